"""One module for each kind of datasets: its class, as `KIND`, does what `hpstudy.data.kind.Kind` promises."""
