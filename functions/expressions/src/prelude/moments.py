import datetime as _nuncio_datetime
def _nuncio_astimezone(value, tz=None):
    zone = _nuncio_datetime.timezone.utc if tz is None else tz
    if value.utcoffset() is None:
        return value.replace(tzinfo=zone) + zone.utcoffset(None)
    return (value.replace(tzinfo=None) - value.utcoffset() + zone.utcoffset(None)).replace(tzinfo=zone)
def _nuncio_fromtimestamp(kind, timestamp, tz=None):
    whole = int(timestamp // 1)
    since = _nuncio_datetime.timedelta(seconds=whole, microseconds=round((timestamp - whole) * 1000000))
    moment = kind.fromisoformat('1970-01-01T00:00:00') + since
    return moment if tz is None else _nuncio_astimezone(moment, tz)
