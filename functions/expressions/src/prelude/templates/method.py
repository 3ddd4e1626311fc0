def _nuncio_method_NAME(of):
    if isinstance(of, (TYPES,)):
        def _nuncio_bound(*args, **named):
            return of.NAME(*args, **named) if named else of.NAME(*args)
        return _nuncio_bound
    if of in (TYPES,):
        if of.__name__ + '.NAME' in _nuncio_unbound:
            return _nuncio_unbound[of.__name__ + '.NAME']
        def unbound(value, *args, **named):
            if not isinstance(value, of):
                raise TypeError(f"descriptor 'NAME' for '{of.__name__}' objects doesn't apply to a '{type(value).__name__}' object")
            return value.NAME(*args, **named) if named else value.NAME(*args)
        _nuncio_unbound[of.__name__ + '.NAME'] = unbound
        return unbound
    return of.NAME
