class IPv4Address:
    version = 4
    def __init__(self, address):
        fields = address if isinstance(address, tuple) and len(address) > 2 else _nuncio_ip(address, 4)
        self._first = self._last = fields[1]
        self._text = fields[2]
#ADDRESS4
    def __str__(self):
        return self._text
    def __repr__(self):
        return f"IPv4Address('{self._text}')"
    def __eq__(self, other):
        return isinstance(other, IPv4Address) and self._text == other._text
    def __hash__(self):
        return hash(self._text)
class IPv6Address:
    version = 6
    def __init__(self, address):
        fields = address if isinstance(address, tuple) and len(address) > 2 else _nuncio_ip(address, 6)
        self._first = self._last = fields[1]
        self._text = fields[2]
#ADDRESS6
    def __str__(self):
        return self._text
    def __repr__(self):
        return f"IPv6Address('{self._text}')"
    def __eq__(self, other):
        return isinstance(other, IPv6Address) and self._text == other._text
    def __hash__(self):
        return hash(self._text)
class IPv4Network:
    version = 4
    _all = 32
    def __init__(self, address, strict=True):
        fields = address if isinstance(address, tuple) and len(address) > 2 else _nuncio_net(address, strict, 4)
#FIELDS
#NETWORK
    def __str__(self):
        return self._text
    def __repr__(self):
        return f"IPv4Network('{self._text}')"
    def __eq__(self, other):
        return isinstance(other, IPv4Network) and self._text == other._text
#METHODS
class IPv6Network:
    version = 6
    _all = 128
    def __init__(self, address, strict=True):
        fields = address if isinstance(address, tuple) and len(address) > 2 else _nuncio_net(address, strict, 6)
#FIELDS
#NETWORK
    def __str__(self):
        return self._text
    def __repr__(self):
        return f"IPv6Network('{self._text}')"
    def __eq__(self, other):
        return isinstance(other, IPv6Network) and self._text == other._text
#METHODS
def ip_address(address):
    if isinstance(address, (IPv4Address, IPv6Address)):
        return address
    fields = _nuncio_ip(address, 0)
    return IPv4Address(fields) if fields[0] == 4 else IPv6Address(fields)
def ip_network(address, strict=True):
    if isinstance(address, (IPv4Network, IPv6Network)):
        return address
    fields = _nuncio_net(address, strict, 0)
    return IPv4Network(fields) if fields[0] == 4 else IPv6Network(fields)
