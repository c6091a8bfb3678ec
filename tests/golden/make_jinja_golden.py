#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/golden/jinja/snippets.json: small templates and what Python's jinja2 makes of them.

Needs jinja2 (the peers of tests/interop have it). The environment is that of transformers. A
snippet that jinja2 refuses has "error": true.
"""
import json
import os
import pathlib
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/interop"))

import chat_reference  # noqa: E402

os.environ["TZ"] = "UTC"
time.tzset()

CONTEXT = {
    "s": "Hello, World",
    "u": "Grüße 你好 🦙 ß",
    "sp": "  a b\tc \n",
    "n": 7,
    "neg": -7,
    "f": 2.5,
    "t": True,
    "no": False,
    "nil": None,
    "l": [3, 1, 2],
    "words": ["banana", "Apple", "cherry", "apple"],
    "d": {"b": 1, "a": "x", "items": [1], "nested": {"k": [1, {"z": None}]}},
    "people": [
        {"name": "Bob", "age": 30, "pet": {"kind": "cat"}},
        {"name": "alice", "age": 25, "pet": {"kind": "dog"}},
        {"name": "Carol", "age": 30, "pet": {"kind": "cat"}},
    ],
    "html": "<a href='x'>&\"</a>",
    "mixed": [1, 2.0, "three", None, True, [4], {"five": 5}],
    "numbers": {"i": 12, "g": 1e20, "h": 1e-7, "big": 9007199254740993, "e": 123456.789, "w": 1e16},
}

EXPRESSIONS = """
1 + 2 * 3
7 // 2
-7 // 2
-7 % 3
7 % -3
7 / 2
2 ** 10
2 ** -1
-2 ** 2
2 ** 3 ** 2
7.5 // 2
-7.5 % 2
7.5 % -2
1 / 0
1 % 0
1.0 // 0
0.1 + 0.2
1e3
1.5e-10
100000000000000000.0
123456789012345678
0x1F
0b101
0o17
1_000_000
007
1 + true
true + true
'a' + 'b'
'a' 'b' "c"
'a' * 3
3 * 'ab'
'a' * -1
[1] * 2
[1] + [2, 3]
(1, 2) + (3,)
[1] + (2,)
'a' + 1
1 ~ 2 ~ 'x' ~ none ~ true ~ 1.0
'a' ~ [1, 'b'] ~ {'k': 'v'}
1 < 2 < 3
1 < 2 > 3
1 == 1.0
1 == true
'a' == 'b'
[1, 2] == [1, 2]
(1, 2) == [1, 2]
{'a': 1} == {'a': 1.0}
none == false
'a' < 'b'
'a' < 1
[1, 2] < [1, 3]
none < 1
not true
not not 1
not 1 == 2
1 and 2
0 and 2
0 or 'x'
'' or none
none or []
1 in [1, 2]
3 not in [1, 2]
'ell' in 'Hello'
'' in 'x'
1 in 'x'
'b' in d
'zz' not in d
1 in none
nope in [1]
'x' in nope
2 if t else 3
2 if no else 3
2 if no
(2 if no) is defined
1 if t else 2 if t else 3
1 if no else 2 if no else 3
-n
+n
-'a'
- -n
-n|abs
(-n)|abs
s[0]
s[-1]
s[100]
s[1:4]
s[:-1]
s[::-1]
s[::2]
s[5:2:-1]
s[-3:]
s[100:]
s[::0]
u[0:3]
u[-3:]
u|length
u[6]
l[0]
l[-1]
l[5]
l[1:]
l[::-1]
l['a']
l.0
(1, 2, 3)[1:]
range(10)[2:8:2]
range(5)
range(5)|list
range(1, 10, 3)|list
range(10, 0, -3)|list
range(3)[-1]
range(0)|list
range(10 ** 9)
range(1.5)
d
d.a
d['a']
d.b
d.items
d['items']
d.items()
d.keys()
d.values()
d.keys()|list
d.get('b')
d.get('q')
d.get('q', 5)
d.nested.k[1].z
d.nested.k[1]['z']
d.nope
d.nope.nope
d['nope']['x']
nope
nope.x
nope['x']
nope()
nope + 1
1 + nope
nope ~ 'a'
nope == nope
nope == none
nope|length
nope|list
nope|default('x')
''|default('x')
''|default('x', true)
none|default('x')
nope|d
none.x
none['x']
n.x
s.x
s.append
l.append
l.append(1)
l.pop()
d.pop('a')
d.update({})
s.__class__
''.__class__.__mro__
d.__class__
d['__class__']
range.__globals__
(1,)
()
(1)
1, 2
[1, 'a', none, true, 2.0, (1,), {}]
['it\\'s', "say \\"x\\"", 'both \\' and "']
{'a': 1, 'b': [1, 2], 3: none, none: 4}
{'a': 1, 'a': 2}
{[1]: 2}
mixed
numbers
numbers.values()|join(' ')
'a\\nb\\tc\\\\d'
['a\\nb\\tc\\\\d\\x00\\u00e9\\u200b\\U0001f999']
'\\q\\x41\\101'
'\\xzz'
s.upper()
s.lower()
u.upper()
'ΑΣ ΣΑ'.lower()
'İ'.lower()
s.title()
"it's a dog-cat"|title
"it's a dog-cat".title()
'hELLO wORLD'.capitalize()
'ﬁx'.capitalize()
s.swapcase()
sp.strip()
[sp.strip(), sp.lstrip(), sp.rstrip()]
'xxaxbxx'.strip('x')
'abcba'.strip('ab')
'abcba'.lstrip('ba')
'a,b,,c'.split(',')
'a,b,,c'.split(',', 1)
'a,b,,c'.rsplit(',', 1)
' a  b c '.split()
' a  b c '.split(none, 1)
' a  b c '.rsplit(none, 1)
''.split()
''.split(',')
'abc'.split('')
'a\\nb\\r\\nc\\n'.splitlines()
'a\\nb\\r\\nc\\n'.splitlines(true)
'a-b-c'.partition('-')
'a-b-c'.rpartition('-')
'abc'.partition('-')
'aXbX'.replace('X', '--')
'aXbX'.replace('X', '--', 1)
'abc'.replace('', '.')
'abc'.replace('', '.', 2)
'aaa'.replace('aa', 'b')
s.startswith('He')
s.startswith(('x', 'He'))
s.endswith('ld')
s.startswith('el', 1)
s.startswith(1)
s.find('o')
s.find('o', 5)
s.find('zz')
s.rfind('o')
s.index('zz')
u.find('好')
'banana'.count('an')
'abc'.count('')
'-'.join(['a', 'b'])
'-'.join([1, 2])
'-'.join('abc')
'abc'.center(8) ~ '|'
'abc'.center(7, '*')
'ab'.center(7, '*')
'abc'.ljust(6, '.')
'abc'.rjust(6)
'-42'.zfill(6)
'a\\tb'.expandtabs(4)
'abc'.isalpha()
'123'.isdigit()
'a1'.isalnum()
' '.isspace()
'ABC'.isupper()
'Abc Def'.istitle()
'abc'.removeprefix('a')
'abc'.removesuffix('bc')
'{} {}'.format(1, 'a')
'{1} {0!r} {x}'.format(1, 'a', x=2)
'{0.name} {0[age]}'.format(people[0])
'{:>5}|{:<5}|{:^5}|{:05d}'.format('a', 'b', 'c', 42)
'{:.2f} {:,} {:x} {:e} {:%}'.format(3.14159, 1234567, 255, 12345.678, 0.25)
'{:*^9}{:+d}'.format('mid', 3)
'{{}}'.format()
'{} {}'.format(1)
'{'.format()
'%s and %s' % ('a', 1)
'%d %5d|%-5d|%05d' % (1, 2, 3, 4)
'%.2f %e %g %x %o %c %%' % (1.5, 1.5, 1.5, 255, 8, 'c')
'%(a)s' % d
'%s' % 5
'%s' % [1, 2]
'%s %s' % (1,)
'%d' % 'a'
'%r' % 'x'
s|upper
s|lower
none|upper
n|string + 'x'
s|length
l|length
d|count
n|length
s|trim
'  x '|trim ~ '|'
'xxaxx'|trim('x')
s|replace('l', 'L')
s|replace('l', 'L', 1)
n|replace(7, 8)
l|join
l|join(', ')
words|join('|')
people|join(', ', attribute='name')
nope|join(',')
n|join
l|first
l|last
[]|first
[]|first is defined
s|first
d|first
l|sort
l|sort(reverse=true)
words|sort
words|sort(case_sensitive=true)
people|sort(attribute='age')|map(attribute='name')|list
people|sort(attribute='age,name')|map(attribute='name')|list
people|sort(attribute='age', reverse=true)|map(attribute='name')|list
mixed|sort
d.nested|dictsort
{'b': 1, 'A': 2, 'c': 0}|dictsort
{'b': 1, 'A': 2, 'c': 0}|dictsort(by='value')
{'b': 1, 'A': 2, 'c': 0}|dictsort(true, reverse=true)
words|unique|list
words|unique(case_sensitive=true)|list
l|min
l|max
words|min
people|max(attribute='age')
[]|max
l|sum
people|sum(attribute='age')
['a', 'b']|sum
l|reverse|list
s|reverse
l|list
s|list
d|list
people|map(attribute='pet.kind')|list
people|map(attribute='nope', default='?')|list
words|map('upper')|list
words|map('replace', 'a', 'o')|join(',')
[1, 0, '', 'a', none]|select|list
l|select('gt', 1)|list
l|reject('odd')|list
people|selectattr('age', 'equalto', 30)|map(attribute='name')|list
people|rejectattr('pet.kind', 'eq', 'cat')|list|length
people|selectattr('nope')|list
people|selectattr('name', 'in', ['Bob'])|list
people|groupby('age')|list
people|groupby('pet.kind')|map('first')|list
words|groupby('nope', default='z')|list
l|batch(2)|list
l|batch(2, 'x')|list
l|slice(2)|list
[1, 2, 3, 4, 5]|slice(3, '-')|list
d|items|list
{'a': 1}|items|first
n|items
n|abs
f|round
2.345|round(2)
2.5|round
3.5|round
42|round
42.7|round(method='floor')
42.123|round(1, 'ceil')
1234|round(-2)
'12'|int
' 12 '|int
'1.9'|int
'x'|int
'x'|int(5)
'ff'|int(base=16)
'0x1f'|int(0, 16)
none|int
2.9|int
'1_000'|int
'1.5'|float
'x'|float
'x'|float(1.5)
'nan'|float
'-inf'|float
'1e5'|float
[1]|float
html|e
html|escape|escape
('<'|e) + '>'
'>' + ('<'|safe)
'<' ~ ('<'|e)
html|safe
html|forceescape
'a b/c?ü'|urlencode
{'a b': 'c&d'}|urlencode
'a\\nb\\n\\nc'|indent
'a\\nb\\n\\nc'|indent(2, true)
'a\\nb\\n\\nc'|indent(2, blank=true)
'a\\nb'|indent('> ')
'foo bar baz qux'|truncate(9)
'foo bar baz qux'|truncate(9, true)
'foo bar baz qux'|truncate(11)
'foo bar baz qux'|truncate(11, false, '...', 0)
'foo bar'|wordcount
'abc'|center(9) ~ '|'
'%s-%s'|format('a', 1)
1000|filesizeformat
1500000|filesizeformat
1024|filesizeformat(true)
1|filesizeformat
s|capitalize
s|nope
s is nope
d|tojson
d|tojson(indent=2)
d|tojson(indent=0)
mixed|tojson
numbers|tojson
u|tojson
u|tojson(ensure_ascii=true)
d|tojson(sort_keys=true)
d|tojson(separators=(',', ':'))
{'a': {}, 'b': []}|tojson(indent=4)
'\\u0001\\x7f\\u2028/"\\\\'|tojson
(1, 'a')|tojson
nope|tojson
range(3)|tojson
{1: 2, none: 3, true: 4}|tojson
html|tojson
'nan'|float|tojson
n is odd
n is even
n is divisibleby 7
n is divisibleby(2)
n is number
t is number
t is integer
t is boolean
f is float
s is string
l is sequence
s is sequence
d is mapping
d is sequence
l is iterable
n is iterable
nil is none
nope is defined
nope is undefined
s is defined
s is upper
'abc' is lower
n is eq 7
n is ge(7)
n is gt 8
n is in [7]
n is sameas 7
t is true
no is false
range is callable
s is callable
'upper' is filter
'odd' is test
n is not odd
n is odd and t
n is odd is true
(n is odd) is true
not n is odd
nope is iterable
nope is sequence
dict(a=1, b=2)
dict({'a': 1}, b=2)
dict([('a', 1)])
namespace(a=1).a
namespace(a=1).b is defined
namespace(_a=1)
strftime_now('%Y-%m-%d %H:%M')
raise_exception('No ' ~ s)
cycler('a', 'b').next()
d|attr('a')
d|attr('keys') is callable
n == 7 and s != 'x' or nope.x
[1, 2, 3][1:][0]
{'a': [1, 2]}['a'][-1]
(s ~ '!')|upper|lower
s|upper.lower()
s.split(', ')[1][0]|lower
'a' if nope is defined else 'b'
[[1, 2], [3, 4]]|map('first')|list
[('a', 1)]|map(attribute=0)|list
1 +
(1
1)
{'a'}
'abc
@
1 if
foo bar
9223372036854775807 + 0
1e400
5|string|length
true|string
1.0|string
1e16|string
1e22
1e21
123456789.123
1e-5
0.0001
-0.0
3.0
[-0.0, 1e100]
""".strip("\n").split("\n")

TEMPLATES = [
    "a\n", "a\n\n", "a\r\nb\rc", "", "\n", "{# c #}", "a {# c #} b", "a {#- c -#} b", "{# a\n#}\nb",
    "{% if t %}\n  x\n{% endif %}\ny", "  {% if t %}x{% endif %}  \n y", "a {%- if t -%} b {%- endif -%} c",
    "  {%+ if t %}x{% endif %}", "{% if t +%}\nx{% endif %}", "a\n  {{- n -}}  \nb", "a\n  {{ n }}  \nb",
    "{{ n }}\n{{ n }}\n", "x {% if t %} y {% endif %}", "\n\n  {%- if t %}x{% endif %}",
    "{% raw %}{{ x }}{% endraw %}", "  {% raw %}\n {{ x }}\n  {% endraw %}\n.", "{%- raw -%}  a  {%- endraw -%}  b",
    "{% raw %}a", "{# a", "{{ n", "{% if t %}", "{% endif %}", "{% nope %}", "{{ }}", "{%%}",
    "{% for x in l %}{{ x }},{% endfor %}", "{% for x in [] %}a{% else %}b{% endfor %}",
    "{% for x in l %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }} {% endfor %}",
    "{% for x in l %}{{ loop.previtem }}<{{ x }}>{{ loop.nextitem }};{% endfor %}",
    "{% for x in l if x > 1 %}{{ loop.index }}/{{ loop.length }}:{{ x }} {% endfor %}",
    "{% for x in l if x > 5 %}a{% else %}none{% endfor %}",
    "{% for x in words %}{{ loop.changed(x|first) }}{{ loop.cycle('a', 'b') }}{% endfor %}",
    "{% for a, b in [(1, 2), (3, 4)] %}{{ a }}{{ b }}{% endfor %}", "{% for (a, b), c in [((1, 2), 3)] %}{{ a }}{{ b }}{{ c }}{% endfor %}",
    "{% for a, b in [(1, 2, 3)] %}{% endfor %}", "{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}",
    "{% for k in d %}{{ k }}{% endfor %}", "{% for c in 'añ' %}[{{ c }}]{% endfor %}", "{% for x in n %}{% endfor %}",
    "{% for x in none %}{% endfor %}", "{% for x in nope %}{% else %}e{% endfor %}", "{% for x in nope.y %}{% endfor %}",
    "{% for x in range(5) %}{% if x == 1 %}{% continue %}{% endif %}{% if x == 3 %}{% break %}{% endif %}{{ x }}{% endfor %}",
    "{% break %}", "{% for x in l %}{% set y = x %}{% endfor %}{{ y }}", "{% set y = 0 %}{% for x in l %}{% set y = y + x %}{{ y }} {% endfor %}{{ y }}",
    "{% set ns = namespace(y=0) %}{% for x in l %}{% set ns.y = ns.y + x %}{% endfor %}{{ ns.y }}",
    "{% set ns = namespace(found=false) %}{% for x in l if not ns.found %}{{ x }}{% if x == 1 %}{% set ns.found = true %}{% endif %}{% endfor %}",
    "{% set ns = namespace(x=[]) %}{% set ns.x = ns.x + [1] %}{{ ns.x }}{{ ns.q is defined }}", "{% set d.x = 1 %}", "{% set nope.x = 1 %}",
    "{% set a, b = 1, 2 %}{{ a }}{{ b }}", "{% set a = 1, 2 %}{{ a }}", "{% set a %}x{{ n }}{% endset %}[{{ a }}]", "{% set a | upper %}x{% endset %}{{ a }}",
    "{% set a | replace('x', 'y') | upper %}x{% endset %}{{ a }}", "{% set true = 1 %}", "{% set 1 = 1 %}", "{% if t %}{% set z = 1 %}{% endif %}{{ z }}",
    "{% if no %}a{% elif n == 7 %}b{% else %}c{% endif %}", "{% if no %}a{% elif no %}b{% else %}c{% endif %}", "{% if nope %}a{% endif %}b",
    "{% macro m(a, b=2, c=a) %}{{ a }}-{{ b }}-{{ c }}{% endmacro %}{{ m(1) }} {{ m(1, 3) }} {{ m(b=5, a=4) }} {{ m() }}",
    "{% macro m() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, x=3) }}", "{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}", "{% macro m(a) %}{% endmacro %}{{ m(z=2) }}",
    "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1)|length }}{{ m('x') ~ 'y' }}", "{% macro m(a, b=1, c) %}{% endmacro %}",
    "{% macro f(x) %}{% if x > 0 %}{{ x }}{{ f(x - 1) }}{% endif %}{% endmacro %}{{ f(4) }}",
    "{% macro m() %}[{{ caller() }}]{% endmacro %}{% call m() %}x{{ n }}{% endcall %}", "{% macro m() %}[{{ caller(1, 2) }}]{% endmacro %}{% call(a, b) m() %}{{ a }}+{{ b }}{% endcall %}",
    "{% macro m() %}x{% endmacro %}{% call m() %}y{% endcall %}", "{% call n %}{% endcall %}", "{% set x = 1 %}{% macro m() %}{{ x }}{% endmacro %}{% set x = 2 %}{{ m() }}",
    "{% macro m() %}{% set x = 5 %}{{ x }}{% endmacro %}{{ m() }}{{ x }}", "{% for x in l %}{% macro m() %}{{ x }}{% endmacro %}{{ m() }}{% endfor %}",
    "{% filter upper %}a{{ s }}{% endfilter %}", "{% filter replace('a', 'b') | upper %}aaa{% endfilter %}", "{% with a = 1, b = 2 %}{{ a }}{{ b }}{% endwith %}{{ a }}", "{% with %}{% set q = 1 %}{% endwith %}{{ q }}",
    "{% block b %}x{{ n }}{% endblock %}", "{% generation %}x{{ n }}{% endgeneration %}", "{% for x in l %}{% generation %}{{ x }}{{ loop.last }}{% endgeneration %}{% endfor %}",
    "{% print 1, 2 %}", "{% print %}", "{{ 1, 2 }}", "{{ l|map('string')|join }}", "{{ '{{' }}{{ '}}' }}{{ '%}' }}", "{{ {'a': {'b': 1}}.a.b }}", "{{ {'a': 1}}}",
    "{% for i in range(3) %}{% for j in range(2) %}{{ loop.index }}{% endfor %}{{ loop.index }};{% endfor %}",
    "{% set g = l|map('string') %}{{ g|join }}{{ g|join }}", "{% set j = joiner('|') %}{% for x in l %}{{ j() }}{{ x }}{% endfor %}", "{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ c.current }}",
    "{% for x in l %}{{ x }}{% if not loop.last %}, {% endif %}{% endfor %}", "{% for g in people|groupby('age') %}{{ g.grouper }}:{{ g.list|length }} {% endfor %}",
    "{% for x in l recursive %}{{ x }}{% endfor %}|", "{%if t%}x{%endif%}", "{% if t: %}x{% endif %}", "{% for x in l: %}{{ x }}{% endfor %}", "{{ s\n|\nupper }}", "{%- set a = [\n1,\n2,\n] -%}\n{{ a }}",
    "{% if 'a' in 'abc' and not 'z' in 'abc' %}y{% endif %}", "{% if t and (no or t) %}y{% endif %}", "{{ 'a' if t }}{{ 'b' if no }}c", "{{ d.get('nested', {}).get('k', [])|length }}",
    "{% for m in people %}{{ m['name'] + ': ' + m['age']|string }}\n{% endfor %}", "{% for m in people %}\n  {% if loop.first %}\n  first {{ m.name }}\n  {% else %}\n  {{- m.name }}\n  {% endif %}\n{% endfor %}\n",
    "{% set x = x or 'dflt' %}{{ x }}", "{% if s is string and s|length > 3 %}long{% endif %}", "{{ s[:5] + '...' if s|length > 5 else s }}", "{{ 'a'.join }}" , "{% set loop = 5 %}{{ loop }}", "{% for loop in l %}{% endfor %}",
    "a{% if t %}{# c #}\n{% endif %}\nb", "{{ n }}  {#- c #}  x", "  {# c #}\n  x", "x  {# c #}\n  y", "{% set x = 5 -%}\n\n  {{ x }}", "{% include 'x' %}", "{% extends 'x' %}", "{% import 'x' as y %}", "{% do l %}",
]


def main():
    snippets = []
    for template in [f"{{{{ {expression} }}}}" for expression in EXPRESSIONS] + TEMPLATES:
        answer = chat_reference.render({"template": template, "extra": CONTEXT, "now_s": 1_793_000_000})
        if " at 0x" in answer.get("text", ""):  # the address of an object
            continue
        snippets.append({"template": template, **({"text": answer["text"]} if "text" in answer else {"error": True})})
    path = ROOT / "tests/golden/jinja/snippets.json"
    path.parent.mkdir(exist_ok=True)
    lines = ",\n".join(json.dumps(snippet, ensure_ascii=True) for snippet in snippets)
    path.write_text(f'{{"context": {json.dumps(CONTEXT)},\n"now_s": 1793000000,\n"snippets": [\n{lines}\n]}}\n')
    print(f"{len(snippets)} snippets in {path}")


if __name__ == "__main__":
    main()
