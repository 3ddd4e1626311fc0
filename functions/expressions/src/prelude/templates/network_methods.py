    def __hash__(self):
        return hash(self._text)
    def __contains__(self, address):
        if address.version != self.version or isinstance(address, (IPv4Network, IPv6Network)):
            return False
        return self._first <= address._first and address._last <= self._last
    def overlaps(self, other):
        return other.version == self.version and self._first <= other._last and other._first <= self._last
    def _is_in(self, other):
        if self.version != other.version:
            raise TypeError(f'{self} and {other} are not of the same version')
        return other._first <= self._first and self._last <= other._last
    def subnet_of(self, other):
        return self._is_in(other)
    def supernet_of(self, other):
        return other._is_in(self)
