def _nuncio_item(of, key):
    if isinstance(of, (dict, list, tuple, str)):
        return of[key]
    if type(of).__name__ == 'Match':
        return of.group(key)
    if type(of).__name__ in ('IPv4Network', 'IPv6Network'):
        first, last = int(of._first, 16), int(of._last, 16)
        number = first + key if key >= 0 else last + key + 1
        if number < first or number > last:
            raise IndexError('address out of range')
        return ip_address(number) if of.version == 4 else IPv6Address(number)
    return of[key]
import re as _nuncio_re
def _nuncio_attribute_error(of):
    return _nuncio_re.error if type(of).__name__ == 'module' else of.error
def _nuncio_call_finditer(of, *args, **named):
    return iter(of.finditer(*args, **named) if named else of.finditer(*args))
def _nuncio_call_sub(of, *args, **named):
    return _nuncio_subn(of, 'sub', args, named)
def _nuncio_call_subn(of, *args, **named):
    return _nuncio_subn(of, 'subn', args, named)
def _nuncio_subn(of, name, args, named):
    kind = type(of).__name__
    names = ('pattern', 'repl', 'string', 'count', 'flags') if kind == 'module' else ('repl', 'string', 'count')
    given = {names[at]: args[at] for at in range(min(len(args), len(names)))}
    given.update(named)
    if kind in ('module', 'Pattern') and len(args) <= len(names) and type(given.get('repl')).__name__ in ('function', 'builtin_function_or_method', 'type', 'method') and 'string' in given:
        pattern = of.compile(given['pattern'], given.get('flags', 0)) if kind == 'module' else of
        repl, string, count = given['repl'], given['string'], given.get('count', 0)
        parts = []
        done = 0
        times = 0
        for found in pattern.finditer(string):
            if count and times >= count:
                break
            parts.append(string[done:found.start()])
            parts.append(repl(found))
            done = found.end()
            times += 1
        parts.append(string[done:])
        text = ''.join(parts)
        return text if name == 'sub' else (text, times)
    if name == 'sub':
        return of.sub(*args, **named) if named else of.sub(*args)
    return of.subn(*args, **named) if named else of.subn(*args)
