def _nuncio_method_NAME(of):
    if isinstance(of, (TYPES,)):
        return lambda *args, **named: of.NAME(*args, **named) if named else of.NAME(*args)
    if of in (TYPES,):
        def unbound(value, *args, **named):
            if not isinstance(value, of):
                raise TypeError(f"descriptor 'NAME' for '{of.__name__}' objects doesn't apply to a '{type(value).__name__}' object")
            return value.NAME(*args, **named) if named else value.NAME(*args)
        return unbound
    return of.NAME
