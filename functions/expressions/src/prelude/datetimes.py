import datetime as _nuncio_datetime
def _nuncio_astimezone(value, tz=None):
    utc = _nuncio_datetime.timezone.utc
    zone = utc if tz is None else tz
    epoch = _nuncio_datetime.datetime(1970, 1, 1)
    moment = value if value.tzinfo is not None else value.replace(tzinfo=utc)
    offset = epoch.replace(tzinfo=utc) - epoch.replace(tzinfo=zone)
    return (epoch + (moment - epoch.replace(tzinfo=utc)) + offset).replace(tzinfo=zone)
def _nuncio_fromtimestamp(kind, timestamp, tz=None):
    whole = int(timestamp // 1)
    since = _nuncio_datetime.timedelta(seconds=whole, microseconds=round((timestamp - whole) * 1000000))
    moment = kind.fromisoformat('1970-01-01T00:00:00') + since
    return moment if tz is None else _nuncio_astimezone(moment, tz)
