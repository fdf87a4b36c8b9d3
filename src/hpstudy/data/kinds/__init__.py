"""One module for each kind of datasets. Its class, `KIND`, implements `hpstudy.data.kind.Kind`."""
