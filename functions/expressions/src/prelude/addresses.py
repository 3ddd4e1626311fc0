class IPAddress:
    def __init__(self, fields):
        self.version = fields[0]
        self._first = self._last = fields[1]
        self._text = fields[2]
#ADDRESS
    def __str__(self):
        return self._text
    def __repr__(self):
        return f"IPv{self.version}Address('{self._text}')"
    def __eq__(self, other):
        return isinstance(other, IPAddress) and self._text == other._text
    def __hash__(self):
        return hash(self._text)
class IPNetwork:
    def __init__(self, fields):
        self.version = fields[0]
        self._first = fields[1]
        self._last = fields[2]
        self._text = fields[3]
        self.prefixlen = fields[4]
#NETWORK
    def __str__(self):
        return self._text
    def __repr__(self):
        return f"IPv{self.version}Network('{self._text}')"
    def __eq__(self, other):
        return isinstance(other, IPNetwork) and self._text == other._text
    def __hash__(self):
        return hash(self._text)
    def __contains__(self, address):
        return address.version == self.version and self._first <= address._first and address._last <= self._last
    def overlaps(self, other):
        return other.version == self.version and self._first <= other._last and other._first <= self._last
    def subnet_of(self, other):
        return self in other
    def supernet_of(self, other):
        return other in self
def ip_address(address):
    return address if isinstance(address, IPAddress) else IPAddress(_nuncio_ip(address))
def ip_network(address, strict=True):
    return address if isinstance(address, IPNetwork) else IPNetwork(_nuncio_net(address, strict))
