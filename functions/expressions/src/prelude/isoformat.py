def _nuncio_isoformat(value, sep='T', timespec='auto'):
    text = value.isoformat()
    fraction = '000000'
    zone = text[19:]
    if zone.startswith('.'):
        fraction = zone[1:7]
        zone = zone[7:]
    elif timespec == 'auto':
        fraction = ''
    ends = {'auto': 19, 'seconds': 19, 'milliseconds': 19, 'microseconds': 19, 'minutes': 16, 'hours': 13}
    if timespec not in ends:
        raise ValueError('Unknown timespec value')
    if timespec == 'milliseconds':
        fraction = fraction[:3]
    elif timespec not in ('auto', 'microseconds'):
        fraction = ''
    return text[:10] + sep + text[11:ends[timespec]] + ('.' + fraction if fraction else '') + zone
