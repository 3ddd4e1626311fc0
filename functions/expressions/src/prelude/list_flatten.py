def list_flatten(value):
    if isinstance(value, list):
        return value[0] if value else None
    return value
