"""Small random programs: names of several types, loops, functions, comprehensions and exceptions.

A template has placeholders: `<int>` stands for an expression of the type, `<a|b>` for one of the words."""

import ast
import random
import re

LEAVES = {
    "int": ("0", "1", "2", "3", "-1", "-7", "10", "255", "2 ** 40", "True", "False"),
    "float": ("0.0", "0.5", "-1.5", "2.0", "1e3", "0.1", "float('inf')", "float('nan')", "1 / 3"),
    "str": ("''", "'a'", "'ab'", "'Äö'", "'x y'", "'12'", "' z '", "'a,b,c'", "'Login_Failed'"),
    "list": ("[]", "[1, 2, 3]", "[3, 1, 2, 1]", "[0, True]"),
    "texts": ("[]", "['a', 'b']", "['b', '', 'a']"),
    "dict": ("{}", "{'a': 1, 'b': 2}", "{'x': 0}"),
    "counts": ("{}", "{1: 2}", "{0: 1, True: 2}", "{0.5: 1, 2: 3}"),
    "set": ("set()", "{1, 2}", "{0, 3}"),
    "tuple": ("()", "(0, 'z')", "(1, 'a')", "(True, '')"),
    "any": ("None", "1", "'a'", "[1]"),
    "truth": ("True", "False"),
    "slice": (":", "1:", ":2", "-1:", "0:5:2", "::-1", ":-1", "2:1"),
}
TEMPLATES = {
    "int": (
        "(<int> <+|-|*|//|%|&|\\||^> <int>)", "len(<str|list|dict|set|texts|counts>)", "abs(<int>)", "min(<int>, <int>)", "max(<int>, <int>, 1)", "sum(<list>)",
        "<list>[<0|-1|1>]", "int(<float>)", "int(<str>)", "<str>.<find|count|index>(<str>)", "<dict>.get(<str>, <int>)", "<counts>.get(<int>, <int>)",
        "(<int> if <truth> else <int>)", "divmod(<int>, <int>)[<0|1>]", "<list>.count(<int>)", "ord(<str>[0])", "sum(x * <int> for x in <list>)",
        "next((x for x in <list> if x > <int>), <int>)", "(-<int>)", "(~<int>)", "round(<float>)", "sorted(<list>)[0]", "<dict>[<str>]", "<call>", "int(<truth>)",
        "(<int> << <1|3>)", "pow(<int>, 2)", "(lambda x: x + <int>)(<int>)", "<list>.index(<int>)", "max(<list>, default=<int>)", "hash(<int>)",
    ),
    "float": (
        "(<float> <+|-|*|/|//|%> <float>)", "(<int> / 4)", "(<int> / <int>)", "round(<float>, <0|1|2>)", "float(<int>)", "max(<float>, <float>)", "abs(<float>)", "(-<float>)",
        "float(<str>)", "sum([<float>, <int>])",
    ),
    "str": (
        "(<str> + <str>)", "(<str> * <0|2|3>)", "<str>.<upper|lower|title|strip|swapcase|capitalize>()", "<str>.replace(<str>, 'x')", "<str>[<slice>]", "<str>[<0|-1|2>]", "str(<int>)",
        "repr(<list|dict|float|str|tuple|counts>)", 'f"{<int>}-{<float>:.2f}"', "'{}:{:>4}'.format(<str>, <int>)", "('%s=%d' % (<str>, <int>))", "'-'.join(<texts>)", "str(<float>)",
        "'{:>6}'.format(<any>)", "<str>.<zfill|rjust|center>(<3|6>)", "(<str> if <truth> else <str>)", "''.join(sorted(<str>))", "<str>.partition('a')[<0|2>]", "max(<texts>)", "hex(<int>)",
        "''.join(c for c in <str> if c not in <str>)", "chr(97 + abs(<int>) % 26)", "<str>.removeprefix(<str>)", "str(<list>)", "<tuple>[1]", "('%5.1f|%-4s' % (<float>, <str>))", "type(<any>).__name__",
    ),
    "truth": (
        "<int> <<|<=|>|==|!=> <int>", "<str> <<|==|in|not in> <str>", "<int> in <list>", "not <any>", "(<int> and <str>)", "(<int> or <str>)", "<str>.<startswith|endswith>(<str>)",
        "isinstance(<any>, <int|str|(list, dict)|bool|float>)", "<any|all>(x > <int> for x in <list>)", "<int> < <int> <= <int>", "<list> == <list>", "<str>.<isdigit|isalpha|isupper|istitle>()",
        "bool(<any>)", "<any> is None", "<set> <<=|<|==> <set>", "<str> in <dict>", "<float> < <int>", "<tuple> < <tuple>", "<counts> == <counts>", "<float> in [<float>]", "<dict> == <dict>",
    ),
    "list": (
        "[<int>, <int>]", "(<list> + <list>)", "<list>[<slice>]", "sorted(<list>)", "sorted(<list>, reverse=True)", "[x + <int> for x in <list>]", "[x for x in <list> if x <>|<|==|%> <int>]",
        "list(range(<0|3|5>))", "list(map(abs, <list>))", "list(<dict>.values())", "[len(t) for t in <texts>]", "list(reversed(<list>))", "(<list> * <0|2>)", "list(<counts>)", "sorted(<set>)",
        "[i * x for i, x in enumerate(<list>)]", "[x * y for x in <list> for y in <list>]", "list(filter(None, <list>))", "[x for pair in zip(<list>, <list>) for x in pair]",
        "sorted(<list>, key=lambda x: -x)", "[*<list>, <int>]", "list(dict.fromkeys(<list>))", "[<list>, <list>][0]", "<list>.copy()",
    ),
    "texts": (
        "<str>.split()", "<str>.split(',')", "[<str>, <str>]", "list(<str>)", "sorted(<dict>)", "[str(x) for x in <list>]", "[k + str(v) for k, v in <dict>.items()]", "sorted(<texts>, key=len)",
        "[t.upper() for t in <texts> if t]", "list(dict.fromkeys(<str>))", "<str>.rsplit(None, 1)", "<str>.splitlines()", "list(map(str.lower, <texts>))", "[f'{x!r}' for x in <list>]",
    ),
    "dict": (
        "{<str>: <int>}", "{t: len(t) for t in <texts>}", "dict(zip(<texts>, <list>))", "{**<dict>, <str>: <int>}", "dict(a=<int>)", "(<dict> | {<str>: <int>})", "dict(<dict>)", "{<str>: 1, <str>: 2}",
    ),
    "counts": (
        "{<int>: <int>}", "{<int>: 1, <int>: 2, True: 3}", "{x: x * 2 for x in <list>}", "{x % 3: x for x in <list>}", "dict.fromkeys(<list>, <int>)", "{<float>: 1, <int>: 2}",
        "dict([(<int>, 1), (<int>, 2)])", "dict(enumerate(<list>))", "{**<counts>, **<counts>}", "(<counts> | <counts>)",
    ),
    "set": ("set(<list>)", "{<int>, <int>}", "{x % 2 for x in <list>}", "(<set> <\\||&|-|^> {1, <int>})", "frozenset(<list>)"),
    "tuple": ("(<int>, <str>)", "max([(1, 'b'), (<int>, <str>)])", "(<tuple> + (1, 'x'))", "tuple(<list>)"),
    "any": ("<int>", "<float>", "<str>", "<list>", "<texts>", "<dict>", "<counts>", "<tuple>", "None"),
}
# How a name of a type is changed.
CHANGES = {
    "int": ("NAME <+=|-=|*=|//=|%=> <int>", "NAME = <int>"),
    "float": ("NAME <+=|-=|*=|/=> <float>",),
    "str": ("NAME += <str>", "NAME = NAME.upper()"),
    "list": (
        "NAME.append(<int>)", "NAME += <list>", "NAME.extend(x for x in <list> if x not in NAME)", "NAME[0] = <int>", "del NAME[0]", "NAME.sort()", "NAME[1:2] = <list>", "log.append(NAME.pop())",
        "NAME.insert(1, <int>)", "NAME.reverse()", "NAME.remove(<int>)", "NAME[-1] += <int>", "NAME *= 2",
    ),
    "texts": ("NAME.append(<str>)", "NAME.extend(<texts>)", "NAME.sort(key=str.lower)", "first, *rest = NAME\nlog.append([first, rest])"),
    "dict": (
        "NAME[<str>] = <int>", "NAME.update(<dict>)", "NAME.setdefault(<str>, <int>)", "del NAME[<str>]", "log.append(NAME.pop(<str>, None))", "NAME[<str>] += 1", "NAME |= <dict>",
        "log.append(sorted(NAME.items()))",
    ),
    "counts": (
        "NAME[<int>] = <int>", "NAME[<float>] = <int>", "NAME[<int>] = NAME.get(<int>, 0) + 1", "NAME.update(<counts>)", "NAME |= <counts>", "log.append(list(NAME.items()))", "NAME[True] = 0",
        "NAME.update((x, 1) for x in <list> if x not in NAME)", "log.append(NAME.popitem())",
    ),
    "set": ("NAME = NAME | <set>", "log.append(sorted(NAME))", "log.append(len(NAME))"),
}
KINDS = ("int", "int", "str", "str", "list", "texts", "dict", "counts", "set", "float", "tuple", "any")
HANDLED = ("Exception", "ValueError", "(KeyError, IndexError)", "ZeroDivisionError", "LookupError", "TypeError", "ArithmeticError")
PLACE = re.compile(r"<((?:[^<>|\\]|\\\||<=?(?=[|>=])|>(?=\|)|\|)+)>")
DEPTH = 3


class Program:
    """Writes one program. Every name keeps its type, so that most programs get to their end."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.lines = []
        self.names = {kind: [] for kind in TEMPLATES}
        self.functions = []
        self.made = 0

    def name(self, kind):
        self.made += 1
        return f"{kind[0]}{self.made}"

    def of(self, kind, depth=0):
        """An expression of a type."""
        if kind == "call":
            return self.call(depth)
        names = self.names.get(kind)
        if names and self.random.random() < 0.55:
            return self.random.choice(names)
        if depth >= DEPTH or kind == "slice" or self.random.random() < 0.15:
            return self.random.choice(LEAVES[kind])
        return self.fill(self.random.choice(TEMPLATES[kind]), depth + 1)

    def call(self, depth):
        if not self.functions:
            return "len('abc')"
        name, kinds = self.random.choice(self.functions)
        return f"{name}({', '.join(self.of(kind, depth + 1) for kind in kinds)})"

    def fill(self, template, depth=0):
        def chosen(match):
            words = [word.replace("\\|", "|") for word in re.split(r"(?<!\\)\|", match[1])]
            word = self.random.choice(words)
            return self.of(word, depth) if word in LEAVES or word == "call" else word

        # Words such as `<` and `|` are placeholders too.
        return PLACE.sub(chosen, template)

    def write(self, indent, text):
        self.lines += ["    " * indent + line for line in self.fill(text).split("\n")]

    def block(self, indent, count):
        """Statements whose new names are known only inside."""
        known = {kind: list(names) for kind, names in self.names.items()}
        for _ in range(count):
            self.statement(indent)
        self.names = known

    def statement(self, indent):
        roll = self.random.random()
        if roll < 0.35 or indent > 3:
            kind = self.random.choice(KINDS)
            name = self.name(kind)
            self.write(indent, f"{name} = <{kind}>")
            self.names[kind].append(name)
        elif roll < 0.6:
            ways = [(name, way) for kind, ways in CHANGES.items() for name in self.names[kind] for way in ways]
            name, way = self.random.choice(ways + [("log", "NAME.append(<any>)"), ("log", "NAME.append(<truth>)")])
            self.write(indent, way.replace("NAME", name))
        elif roll < 0.7:
            self.write(indent, "if <truth>:")
            self.block(indent + 1, 2)
            if self.random.random() < 0.5:
                self.write(indent, self.random.choice(("else:", "elif <truth>:")))
                self.block(indent + 1, 1)
        elif roll < 0.82:
            self.loop(indent)
        elif roll < 0.92:
            self.write(indent, "try:")
            self.block(indent + 1, 2)
            self.write(indent, f"except {self.random.choice(HANDLED)}{self.random.choice(('', ' as raised'))}:")
            self.write(indent + 1, self.random.choice(("log.append(<any>)", "log.append('handled')")))
            if self.random.random() < 0.3:
                self.write(indent, self.random.choice(("else:", "finally:")))
                self.write(indent + 1, "log.append('end')")
        elif indent == 0:
            self.function()
        else:
            self.write(indent, "log.append(<any>)")

    def loop(self, indent):
        known = {kind: list(names) for kind, names in self.names.items()}
        number, text = self.name("int"), self.name("str")
        head, kinds = self.random.choice((
            (f"for {number} in range(3):", {"int": number}), (f"for {number} in <list>[:4]:", {"int": number}), (f"for {text} in <texts>[:3]:", {"str": text}),
            (f"for {text}, {number} in <dict>.copy().items():", {"int": number, "str": text}), (f"for {number}, {text} in enumerate(<texts>[:3], 1):", {"int": number, "str": text}),
            (f"for {number}, {text} in zip(<list>[:4], <texts>):", {"int": number, "str": text}), (f"{number} = <2|3>\nwhile {number} > 0:\n    {number} -= 1", {}),
        ))
        self.write(indent, head)
        for kind, name in kinds.items():
            self.names[kind].append(name)
        self.block(indent + 1, 2)
        if self.random.random() < 0.3:
            self.write(indent + 1, "if <truth>:")
            self.write(indent + 2, "<break|continue>")
            if self.random.random() < 0.3:
                self.write(indent, "else:")
                self.write(indent + 1, "log.append('whole')")
        self.names = known

    def function(self):
        self.made += 1
        name = f"f{self.made}"
        kinds = [self.random.choice(("int", "str", "list")) for _ in range(self.random.randint(0, 2))]
        parameters = [self.name(kind) for kind in kinds]
        known, functions = {kind: list(names) for kind, names in self.names.items()}, self.functions
        for kind, parameter in zip(kinds, parameters):
            self.names[kind].append(parameter)
        self.functions = []
        self.write(0, f"def {name}({', '.join(parameters)}):")
        for _ in range(self.random.randint(0, 2)):
            kind = self.random.choice(("int", "str", "list"))
            own = self.name(kind)
            self.write(1, f"{own} = <{kind}>")
            self.names[kind].append(own)
        if self.random.random() < 0.3:
            self.write(1, "if <truth>:")
            self.write(2, self.random.choice(("return 7", "raise ValueError('f')", "return <int>")))
        self.write(1, "return <int>")
        self.names, self.functions = known, functions + [(name, kinds)]

    def text(self):
        self.write(0, "log = []")
        for _ in range(self.random.randint(3, 9)):
            self.statement(0)
        shown = [f"repr({name})" for kind, names in self.names.items() for name in names if kind != "set"]
        shown += [f"repr(sorted({name}))" for name in self.names["set"]]
        self.write(0, f"return [repr(log), {', '.join(shown)}]")
        return "\n".join(self.lines)


def programs(first, count):
    """Programs with the seeds from `first` on, without those that CPython cannot read, such as f-strings in others."""
    for seed in range(first, first + count):
        text = Program(seed).text()
        try:
            ast.parse("def body():\n" + "".join(f"    {line}\n" for line in text.split("\n")))
        except SyntaxError:
            continue
        yield text
