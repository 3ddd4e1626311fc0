    def _part(self, number, prefixlen):
        return type(self)((number, prefixlen))
    def supernet(self, prefixlen_diff=1, new_prefix=None):
        if self.prefixlen == 0:
            return self
        prefixlen = self.prefixlen - prefixlen_diff if new_prefix is None else new_prefix
        if prefixlen < 0 or prefixlen > self.prefixlen:
            raise ValueError('new prefix must be shorter' if prefixlen > self.prefixlen else f'current prefixlen is {self.prefixlen}, cannot have a prefixlen_diff of {prefixlen_diff}')
        size = 2 ** (self._all - prefixlen)
        return self._part(int(self._first, 16) // size * size, prefixlen)
    def subnets(self, prefixlen_diff=1, new_prefix=None):
        if self.prefixlen == self._all:
            return iter([self])
        prefixlen = self.prefixlen + prefixlen_diff if new_prefix is None else new_prefix
        if prefixlen < self.prefixlen or prefixlen > self._all:
            raise ValueError('new prefix must be longer' if prefixlen < self.prefixlen else f'prefix length diff {prefixlen - self.prefixlen} is invalid for netblock {self}')
        count = 2 ** (prefixlen - self.prefixlen)
        if count > 512:
            raise ValueError("Nuncio's Python lists up to 512 subnets; use a longer network")
        first, size = int(self._first, 16), 2 ** (self._all - prefixlen)
        return iter([self._part(first + at * size, prefixlen) for at in range(count)])
    def hosts(self):
        first, last = int(self._first, 16), int(self._last, 16)
        if last - first > 1 and self.version == 4:
            last = last - 1
        if last - first > (0 if self.version == 4 and last != int(self._last, 16) else 1):
            first = first + 1
        if last - first >= 512:
            raise ValueError("Nuncio's Python lists up to 512 hosts; use a smaller network")
        kind = IPv4Address if self.version == 4 else IPv6Address
        return iter([kind(first + at) for at in range(last - first + 1)])
