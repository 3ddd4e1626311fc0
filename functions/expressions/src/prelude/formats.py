def _nuncio_call_format(of, *args, **named):
    if isinstance(of, str) and '{' in of and (':' in of or '.' in of or '[' in of):
        return _nuncio_fields(of, args, named, [0])
    return of.format(*args, **named) if named else of.format(*args)
def _nuncio_call_format_map(of, values):
    if isinstance(of, str) and '{' not in of and '}' not in of:
        return of
    return _nuncio_call_format(of, **values) if isinstance(of, str) else of.format_map(values)
def _nuncio_fields(text, args, named, auto):
    parts = []
    at = 0
    size = len(text)
    while at < size:
        start = at
        while at < size and text[at] not in '{}':
            at += 1
        parts.append(text[start:at])
        if at >= size:
            break
        if text[at:at + 2] in ('{{', '}}'):
            parts.append(text[at])
            at += 2
            continue
        if text[at] == '}':
            raise ValueError("Single '}' encountered in format string")
        start = at + 1
        depth = 1
        while depth:
            at += 1
            if at >= size:
                raise ValueError("Single '{' encountered in format string" if start == size else "expected '}' before end of string")
            depth = depth + (1 if text[at] == '{' else -1 if text[at] == '}' else 0)
        parts.append(_nuncio_field(text[start:at], args, named, auto))
        at += 1
    return ''.join(parts)
def _nuncio_field(field, args, named, auto):
    inside = False
    end = 0
    while end < len(field) and (inside or field[end] not in ':!'):
        inside = field[end] == '[' or (inside and field[end] != ']')
        end += 1
    value = _nuncio_field_value(field[:end], args, named, auto)
    rest = field[end:]
    kind = ''
    if rest.startswith('!'):
        kind = rest[1:2]
        if kind not in ('r', 's', 'a') or rest[2:3] not in ('', ':'):
            raise ValueError(f'Unknown conversion specifier {kind!r}')
        value = repr(value) if kind == 'r' else str(value) if kind == 's' else _nuncio_text('ascii', repr(value))
        rest = rest[2:]
    spec = _nuncio_fields(rest[1:], args, named, auto)
    return f'{_nuncio_formatted(value):{spec}}' if spec else str(value)
def _nuncio_field_value(name, args, named, auto):
    end = 0
    while end < len(name) and name[end] not in '.[':
        end += 1
    first, rest = name[:end], name[end:]
    if first == '' or first.isdigit():
        if (auto[0] is None) if first == '' else auto[0]:
            raise ValueError('cannot switch between manual field specification and automatic field numbering')
        at = int(first) if first else auto[0]
        auto[0] = None if first else at + 1
        if at >= len(args):
            raise IndexError(f'Replacement index {at} out of range for positional args tuple')
        value = args[at]
    else:
        value = named[first]
    while rest:
        if rest[0] == '[':
            end = rest.find(']')
            if end < 0:
                raise ValueError("Missing ']' in format string")
            key = rest[1:end]
            if not key:
                raise ValueError('Empty attribute in format string')
            value = value[int(key) if key.isdigit() else key]
            rest = rest[end + 1:]
            if rest and rest[0] not in '.[':
                raise ValueError("Only '.' or '[' may follow ']' in format field specifier")
        else:
            end = 1
            while end < len(rest) and rest[end] not in '.[':
                end += 1
            if end == 1:
                raise ValueError('Empty attribute in format string')
            value = getattr(value, rest[1:end])
            rest = rest[end:]
    return value
