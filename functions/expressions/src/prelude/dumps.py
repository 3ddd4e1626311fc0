def _nuncio_plain(value, default, depth=0):
    if depth > 60:
        raise ValueError('Circular reference detected')
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, dict):
        return {key: _nuncio_plain(item, default, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_nuncio_plain(item, default, depth + 1) for item in value]
    return _nuncio_plain(default(value), default, depth + 1)
def _nuncio_dumps(module, value, default=None, **options):
    return module.dumps(value if default is None else _nuncio_plain(value, default), **options)
