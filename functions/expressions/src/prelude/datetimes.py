import datetime as _nuncio_datetime
def _nuncio_is_class(value):
    return type(value).__name__ == 'type'
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
    moment = _nuncio_datetime.datetime(1970, 1, 1) + since
    if kind is _nuncio_datetime.date:
        return moment.date()
    return moment if tz is None else _nuncio_astimezone(moment, tz)
def _nuncio_call_utcfromtimestamp(kind, timestamp):
    return _nuncio_fromtimestamp(kind, timestamp)
def _nuncio_offset(value):
    if value.tzinfo is None:
        return None
    moment = _nuncio_datetime.datetime(2000, 1, 1)
    return moment.replace(tzinfo=_nuncio_datetime.timezone.utc) - moment.replace(tzinfo=value.tzinfo)
def _nuncio_call_utcoffset(of, *moment):
    if isinstance(of, _nuncio_datetime.timezone):
        return _nuncio_offset(_nuncio_datetime.datetime(2000, 1, 1, tzinfo=of))
    return _nuncio_offset(of) if isinstance(of, (_nuncio_datetime.datetime, _nuncio_datetime.time)) else of.utcoffset(*moment)
def _nuncio_call_tzname(of, *moment):
    if isinstance(of, _nuncio_datetime.timezone):
        return str(of)
    if isinstance(of, (_nuncio_datetime.datetime, _nuncio_datetime.time)):
        return None if of.tzinfo is None else str(of.tzinfo)
    return of.tzname(*moment)
def _nuncio_call_combine(of, *args, **named):
    if not _nuncio_is_class(of):
        return of.combine(*args, **named) if named else of.combine(*args)
    date, time = args[0], args[1]
    zone = args[2] if len(args) > 2 else named.get('tzinfo', time.tzinfo)
    return of(date.year, date.month, date.day, time.hour, time.minute, time.second, time.microsecond, tzinfo=zone)
def _nuncio_call_toordinal(of):
    if not isinstance(of, _nuncio_datetime.date):
        return of.toordinal()
    return (_nuncio_datetime.date(of.year, of.month, of.day) - _nuncio_datetime.date(1, 1, 1)).days + 1
def _nuncio_call_isocalendar(of):
    if not isinstance(of, _nuncio_datetime.date):
        return of.isocalendar()
    day = _nuncio_datetime.date(of.year, of.month, of.day)
    thursday = day + _nuncio_datetime.timedelta(days=3 - day.weekday())
    week = (thursday - _nuncio_datetime.date(thursday.year, 1, 1)).days // 7 + 1
    return _nuncio_week(thursday.year, week, day.weekday() + 1)
import collections as _nuncio_collections
_nuncio_week = _nuncio_collections.namedtuple('IsoCalendarDate', 'year week weekday')
def _nuncio_call_strftime(of, form):
    if not isinstance(of, (_nuncio_datetime.date, _nuncio_datetime.time)):
        return of.strftime(form)
    parts = []
    at = 0
    while True:
        start = form.find('%', at)
        if start < 0 or start + 1 >= len(form):
            parts.append(form[at:])
            return of.strftime(''.join(parts))
        parts.append(form[at:start])
        kind = form[start + 1]
        at = start + 2
        if kind == 'f':
            parts.append(f'{of.microsecond if type(of).__name__ != "date" else 0:06d}')
        elif kind in 'zZ':
            offset = None if type(of).__name__ == 'date' else _nuncio_offset(of)
            if offset is None:
                continue
            if kind == 'Z':
                parts.append(str(of.tzinfo))
                continue
            seconds = offset.days * 86400 + offset.seconds
            sign = '-' if seconds < 0 else '+'
            seconds = abs(seconds)
            parts.append(f'{sign}{seconds // 3600:02d}{seconds // 60 % 60:02d}' + (f'{seconds % 60:02d}' if seconds % 60 else ''))
        else:
            parts.append('%' + kind)
def _nuncio_call_fromisoformat(of, text):
    return of.fromisoformat(_nuncio_iso(text) if isinstance(text, str) and _nuncio_is_class(of) else text)
def _nuncio_iso(text):
    if len(text) > 5 and text[4:6] in ('-W', 'W0', 'W1', 'W2', 'W3', 'W4', 'W5'):
        raise ValueError(f"Invalid isoformat string: {text!r}: Nuncio's Python reads no dates of weeks; use strptime with %Y-%m-%d")
    if text[:8].isdigit() and len(text) >= 8:
        text = f'{text[:4]}-{text[4:6]}-{text[6:]}'
    day, clock, zone = text[:11], text[11:], ''
    for sign in 'Z+-':
        if sign in clock:
            at = clock.find(sign)
            clock, zone = clock[:at], clock[at:]
    if len(zone) == 9 and zone[6] == ':' or len(zone) == 7 and zone[1:].isdigit():
        raise ValueError(f"Invalid isoformat string: {text!r}: Nuncio's Python reads offsets in minutes; use +HH:MM")
    clock = clock.replace(',', '.')
    clock, point, fraction = clock.partition('.')
    if clock.isdigit() and len(clock) in (2, 4, 6):
        clock = ':'.join([clock[at:at + 2] for at in range(0, len(clock), 2)])
    if len(clock) == 2:
        clock = clock + ':00'
    return day + clock + point + fraction[:6] + zone
def _nuncio_timedelta(kind, *args, **named):
    if kind is not _nuncio_datetime.timedelta:
        return kind(*args, **named) if named else kind(*args)
    names = ('days', 'seconds', 'microseconds', 'milliseconds', 'minutes', 'hours', 'weeks')
    given = {names[at]: args[at] for at in range(min(len(args), 7))}
    given.update(named)
    if not any([isinstance(value, float) for value in given.values()]):
        return kind(*args, **named) if named else kind(*args)
    sizes = {'days': 86400000000, 'seconds': 1000000, 'microseconds': 1, 'milliseconds': 1000, 'minutes': 60000000, 'hours': 3600000000, 'weeks': 604800000000}
    whole, rest = 0, 0.0
    for name, value in given.items():
        whole = whole + int(value) * sizes[name]
        rest = rest + (value - int(value)) * sizes[name]
    return _nuncio_delta(kind, whole + round(rest))
def _nuncio_call_strptime(of, text, form):
    if not _nuncio_is_class(of) or not isinstance(text, str) or not isinstance(form, str):
        return of.strptime(text, form)
    months = ['january', 'february', 'march', 'april', 'may', 'june', 'july', 'august', 'september', 'october', 'november', 'december']
    days = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday']
    ranges = {'d': (2, 1, 31), 'm': (2, 1, 12), 'H': (2, 0, 23), 'I': (2, 1, 12), 'M': (2, 0, 59), 'S': (2, 0, 61), 'j': (3, 1, 366)}
    parts = {'Y': 1900, 'm': 1, 'd': 1, 'H': 0, 'M': 0, 'S': 0, 'f': 0}
    wrong = ValueError(f'time data {text!r} does not match format {form!r}')
    shorts = {'T': '%H:%M:%S', 'D': '%m/%d/%y', 'F': '%Y-%m-%d', 'R': '%H:%M'}
    zone = half = None
    at = place = 0
    while place < len(form):
        kind = form[place]
        place += 1
        if kind != '%':
            if kind.isspace():
                if at >= len(text) or not text[at].isspace():
                    raise wrong
                while at < len(text) and text[at].isspace():
                    at += 1
                continue
            if text[at:at + 1].lower() != kind.lower():
                raise wrong
            at += 1
            continue
        if place >= len(form):
            raise ValueError(f"stray % in format '{form}'")
        kind = form[place]
        place += 1
        if kind == '%':
            if text[at:at + 1] != '%':
                raise wrong
            at += 1
        elif kind in ranges or kind in 'Yyf':
            most, low, high = ranges.get(kind, (4, 0, 9999) if kind == 'Y' else (2, 0, 99) if kind == 'y' else (6, 0, 999999))
            if kind == 'd' and text[at:at + 1] == ' ':
                at += 1
            size = 0
            while size < most and text[at + size:at + size + 1].isdecimal():
                size += 1
            while size > 1 and kind in ranges and not low <= int(text[at:at + size]) <= high:
                size -= 1
            if not size or (kind == 'Y' and size != 4) or (kind == 'y' and size != 2):
                raise wrong
            number = int(text[at:at + size])
            if not low <= number <= high:
                raise wrong
            at += size
            if kind == 'f':
                number = number * 10 ** (6 - size)
            if kind == 'y':
                kind, number = 'Y', number + (1900 if number > 68 else 2000)
            parts[kind] = number
        elif kind in 'bBaA':
            names = months if kind in 'bB' else days
            found = -1
            for index in range(len(names)):
                name = names[index] if kind in 'BA' else names[index][:3]
                if text[at:at + len(name)].lower() == name:
                    found, size = index, len(name)
            if found < 0:
                raise wrong
            at += size
            if kind in 'bB':
                parts['m'] = found + 1
        elif kind == 'p':
            half = text[at:at + 2].lower()
            if half not in ('am', 'pm'):
                raise wrong
            at += 2
        elif kind == 'z':
            sign = text[at:at + 1]
            if sign == 'Z':
                zone, at = _nuncio_datetime.timezone.utc, at + 1
                continue
            hours, minutes = text[at + 1:at + 3], text[at + 3:at + 5]
            at += 5
            if minutes[:1] == ':':
                minutes = text[at - 1:at + 1]
                at += 1
            if sign not in ('+', '-') or len(minutes) != 2 or not (hours + minutes).isdecimal():
                raise wrong
            offset = int(hours) * 60 + int(minutes)
            zone = _nuncio_datetime.timezone(_nuncio_datetime.timedelta(minutes=offset if sign == '+' else 0 - offset)) if offset else _nuncio_datetime.timezone.utc
        elif kind == 'Z':
            if text[at:at + 3].lower() not in ('utc', 'gmt'):
                raise wrong
            at += 3
        else:
            raise ValueError(f"'{kind}' is a bad directive in format '{form}': Nuncio's Python reads %Y %y %m %b %B %d %j %H %I %p %M %S %f %a %A %z %Z; use these")
    if at < len(text):
        raise ValueError(f'unconverted data remains: {text[at:]}')
    if 'I' in parts:
        parts['H'] = parts['I'] % 12 + (12 if half == 'pm' else 0)
    moment = of(parts['Y'], parts['m'], parts['d'], parts['H'], parts['M'], parts['S'], parts['f'], tzinfo=zone)
    if 'j' in parts:
        moment = moment.replace(month=1, day=1) + _nuncio_datetime.timedelta(days=parts['j'] - 1)
    return moment
