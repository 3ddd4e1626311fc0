        self._first = fields[1]
        self._last = fields[2]
        self._text = fields[3]
        self.prefixlen = fields[4]
