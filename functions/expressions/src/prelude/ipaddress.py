class _ipaddress:
    ip_address = ip_address
    ip_network = ip_network
    IPv4Address = IPAddress
    IPv6Address = IPAddress
    IPv4Network = IPNetwork
    IPv6Network = IPNetwork
    AddressValueError = ValueError
    NetmaskValueError = ValueError
