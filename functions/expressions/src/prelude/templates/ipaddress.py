class _ipaddress:
    ip_address = ip_address
    ip_network = ip_network
    IPv4Address = IPv4Address
    IPv6Address = IPv6Address
    IPv4Network = IPv4Network
    IPv6Network = IPv6Network
    AddressValueError = ValueError
    NetmaskValueError = ValueError
