package outside // want `a file`
