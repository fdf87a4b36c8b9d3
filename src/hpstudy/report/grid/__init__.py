"""The report on a grid."""
