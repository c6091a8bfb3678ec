# SPDX-License-Identifier: Apache-2.0
"""Makes the text that the example model learns from: bedtime stories of llamas in pajamas.

Everything comes from a seed. A story is a small world (who, what pajamas, where, which friend,
what goes wrong, how it ends) that is then told, so its sentences agree with each other and
questions about it have answers. A document is either a plain story or a chat: a request, the story,
questions about it; or a little small talk.
"""

import argparse
import random

# name, pronouns (she/her/her or he/him/his)
LLAMAS = [
    ("Lulu", "she"),
    ("Pablo", "he"),
    ("Mango", "he"),
    ("Olive", "she"),
    ("Clover", "she"),
    ("Biscuit", "he"),
    ("Juniper", "she"),
    ("Otto", "he"),
    ("Pepper", "she"),
    ("Bruno", "he"),
    ("Tilda", "she"),
    ("Nimbus", "he"),
    ("Rosie", "she"),
    ("Waffles", "he"),
    ("Hazel", "she"),
    ("Pico", "he"),
    ("Willow", "she"),
    ("Momo", "he"),
    ("Daisy", "she"),
    ("Gus", "he"),
]
# Other names than the hero's, so that a new llama is never mistaken for the hero.
NEWCOMERS = [
    ("Tico", "he"),
    ("Suri", "she"),
    ("Pip", "he"),
    ("Luna", "she"),
    ("Zeno", "he"),
    ("Fern", "she"),
]
FRIENDS = [
    ("Finn", "fox", "he"),
    ("Ada", "owl", "she"),
    ("Bo", "hedgehog", "he"),
    ("Mia", "mouse", "she"),
    ("Hugo", "badger", "he"),
    ("Nell", "cat", "she"),
    ("Toby", "rabbit", "he"),
    ("Greta", "goat", "she"),
    ("Sam", "squirrel", "he"),
    ("Dora", "duck", "she"),
    ("Ivan", "bear", "he"),
    ("Lily", "lamb", "she"),
]
COLOURS = [
    "blue",
    "red",
    "green",
    "yellow",
    "purple",
    "orange",
    "pink",
    "silver",
    "golden",
    "white",
    "brown",
    "grey",
]
PATTERNS = [
    "stars",
    "moons",
    "carrots",
    "clouds",
    "polka dots",
    "sheep",
    "rockets",
    "daisies",
    "snowflakes",
    "fish",
    "stripes",
    "strawberries",
]
ADJECTIVES = ["soft", "warm", "cosy", "fluffy", "silky", "baggy"]
TRAITS = [
    "small",
    "sleepy",
    "brave",
    "curious",
    "cheerful",
    "shy",
    "clever",
    "gentle",
    "silly",
    "kind",
]
PLACES = [
    "in a little barn by the river",
    "on a quiet green hill",
    "at the edge of the mountain",
    "in a village above the clouds",
    "near the old windmill",
    "in a cottage under the tall pines",
    "beside a lake full of frogs",
    "on a farm with a crooked gate",
    "behind the bakery",
    "at the end of a long road",
]
THINGS = [
    "slipper",
    "button",
    "pillow",
    "teddy bear",
    "blanket",
    "nightcap",
    "bedtime book",
    "little lamp",
    "left sock",
    "wooden spoon",
    "music box",
    "lucky bell",
]
SPOTS = [
    "under the bed",
    "in the laundry basket",
    "behind the hay",
    "on top of the old clock",
    "inside the teapot",
    "in the apple tree",
    "beside the well",
    "under the kitchen table",
    "in the garden",
    "behind the curtain",
    "on the roof",
    "inside a boot",
]
FOODS = [
    "pancakes",
    "oat cookies",
    "apple pie",
    "honey bread",
    "carrot soup",
    "blueberry muffins",
    "porridge",
    "cinnamon buns",
]
DRINKS = ["warm milk", "hay tea", "hot cocoa", "mint tea"]
GAMES = ["hide and seek", "cards", "a pillow game", "the quiet game", "charades", "shadow puppets"]
NOISES = [
    "a loud drip",
    "a creaking door",
    "a howling wind",
    "a snoring frog",
    "a ticking clock",
    "a buzzing moth",
]
WEATHER = [
    "The moon was round and bright",
    "It was raining softly",
    "Snow was falling",
    "The stars were out",
    "A warm wind was blowing",
    "The night was very still",
    "Fog covered the fields",
]
FEELINGS = ["happy", "proud", "calm", "thankful", "warm inside"]
MORALS = [
    "A friend makes every night shorter.",
    "Sharing makes a blanket bigger.",
    "The best pajamas are the ones you wear with a friend.",
    "It is good to ask for help.",
    "Looking slowly finds more than looking fast.",
    "Even a small light is enough in the dark.",
    "Kind words keep you warm.",
]
PLOTS = ["lost", "awake", "wind", "party", "cold", "baking", "newcomer", "stars"]
NUMBERS = ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]

FORMS = {"she": ("she", "her", "her"), "he": ("he", "him", "his")}


def a(noun):
    return ("an " if noun[0] in "aeiou" else "a ") + noun


def cap(text):
    return text[0].upper() + text[1:]


class World:
    """The facts of one story; telling and asking both read them, so answers are true."""

    def __init__(self, rng):
        self.rng = rng
        self.name, pronoun = self.pick(LLAMAS)
        self.she, self.her_obj, self.her = FORMS[pronoun]
        self.friend, self.animal, friend_pronoun = self.pick(FRIENDS)
        self.friend_she, self.friend_her_obj, self.friend_her = FORMS[friend_pronoun]
        self.colour = self.pick(COLOURS)
        self.pattern = self.pick(PATTERNS)
        self.adjective = self.pick(ADJECTIVES)
        self.trait = self.pick(TRAITS)
        self.place = self.pick(PLACES)
        self.plot = self.pick(PLOTS)
        self.thing = self.pick(THINGS)
        self.spot = self.pick(SPOTS)
        self.wrong_spot = self.pick([spot for spot in SPOTS if spot != self.spot])
        self.food = self.pick(FOODS)
        self.drink = self.pick(DRINKS)
        self.game = self.pick(GAMES)
        self.noise = self.pick(NOISES)
        self.other = self.pick(NEWCOMERS)
        self.number = self.pick(NUMBERS)
        self.pajamas = f"{self.adjective} {self.colour} pajamas with {self.pattern}"

    def pick(self, items):
        """Earlier items come more often.

        The most likely word is then a clear choice, not a coin toss.
        """
        return self.rng.choices(items, [1.0 / (rank + 1.5) for rank in range(len(items))])[0]

    def opening(self):
        w = self
        return self.pick(
            [
                f"Once upon a time there was {a(w.trait)} llama named {w.name}. {cap(w.she)} lived {w.place} and wore {w.pajamas}.",
                f"{w.name} was {a(w.trait)} llama who lived {w.place}. Every night {w.she} put on {w.her} {w.pajamas}.",
                f"There once lived a llama called {w.name} {w.place}. {cap(w.she)} was {w.trait}, and {w.she} loved {w.her} {w.pajamas}.",
                f"One evening {w.name} the llama put on {w.her} {w.pajamas}. {cap(w.she)} was {a(w.trait)} llama, and {w.she} lived {w.place}.",
            ]
        )

    def meet_friend(self):
        w = self
        return self.pick(
            [
                f"{cap(w.her)} best friend was {w.friend} the {w.animal}.",
                f"Next door lived {w.friend} the {w.animal}.",
                f"{cap(w.she)} had a good friend, {a(w.animal)} named {w.friend}.",
            ]
        )

    def ending(self):
        w = self
        lines = [
            f"{w.name} felt {self.pick(FEELINGS)} and soon fell asleep.",
            f"Then {w.name} closed {w.her} eyes and dreamed of {w.pattern}.",
            f'"Good night, {w.friend}," said {w.name}. "Good night, {w.name}," said {w.friend}.',
            f"{w.name} yawned, pulled up {w.her} blanket, and slept until morning.",
        ]
        moral = self.pick(MORALS)
        return self.pick(lines) + (f" {moral}" if self.rng.random() < 0.6 else "")

    def tell(self):
        parts = [self.opening()]
        if self.rng.random() < 0.7:
            parts.append(self.meet_friend())
        parts.append(getattr(self, "plot_" + self.plot)())
        parts.append(self.ending())
        return " ".join(parts)

    def plot_lost(self):
        w = self
        start = self.pick(
            [
                f"But one night {w.name} could not find {w.her} {w.thing}.",
                f"That night {w.her} {w.thing} was gone.",
                f'"Oh no!" cried {w.name}. "I have lost my {w.thing}!"',
            ]
        )
        search = self.pick(
            [
                f"{cap(w.she)} looked {w.wrong_spot}, but it was not there.",
                f"First {w.she} looked {w.wrong_spot}. There was only dust.",
                f'"Did you look {w.wrong_spot}?" asked {w.friend} the {w.animal}. "Yes, and it was empty," said {w.name}.',
            ]
        )
        found = self.pick(
            [
                f"Then {w.friend} the {w.animal} came to help, and they found the {w.thing} {w.spot}.",
                f'{w.friend} the {w.animal} had an idea. "Let us look {w.spot}," {w.friend_she} said. And there was the {w.thing}!',
                f"At last {w.friend} the {w.animal} looked {w.spot}, and there it was: the {w.thing}.",
            ]
        )
        return f"{start} {search} {found}"

    def plot_awake(self):
        w = self
        start = self.pick(
            [
                f"But {w.name} could not sleep because of {w.noise}.",
                f"One night {w.noise} kept {w.name} awake.",
            ]
        )
        middle = self.pick(
            [
                f"{cap(w.she)} counted {w.number} sheep, but it did not help.",
                f"{cap(w.she)} drank a cup of {w.drink}, but {w.she} was still awake.",
                f'"I am so tired," said {w.name}.',
            ]
        )
        close = self.pick(
            [
                f"Then {w.friend} the {w.animal} came with a cup of {w.drink} and sang a slow song.",
                f'"Let me read to you," said {w.friend} the {w.animal}. {cap(w.friend_she)} read {w.number} pages in a quiet voice.',
                f"{w.friend} the {w.animal} gave {w.her_obj} two bits of wool for {w.her} ears, and the night was quiet again.",
            ]
        )
        return f"{start} {middle} {close}"

    def plot_wind(self):
        w = self
        start = self.pick(
            [
                f"On washing day a strong wind took the {w.colour} pajamas from the line.",
                f"One day the wind blew {w.her} pajamas away.",
            ]
        )
        middle = self.pick(
            [
                f'"Come back!" shouted {w.name}, and {w.she} ran after them.',
                f"{w.name} looked {w.wrong_spot}, but {w.she} saw only leaves.",
            ]
        )
        close = self.pick(
            [
                f"{w.friend} the {w.animal} found the pajamas {w.spot} and brought them back.",
                f'"I see {w.pattern}!" called {w.friend} the {w.animal}. The pajamas were {w.spot}.',
            ]
        )
        return f"{start} {middle} {close}"

    def plot_party(self):
        w = self
        start = self.pick(
            [
                f"{w.name} wanted to have a pajama party.",
                f'"Let us have a pajama party!" said {w.name}.',
            ]
        )
        middle = self.pick(
            [
                f"{w.friend} the {w.animal} brought {w.food}, and {w.other[0]} the llama brought {w.drink}.",
                f"{w.friend} the {w.animal} came with {w.food}. {cap(w.number)} more guests came, all in pajamas.",
            ]
        )
        close = self.pick(
            [
                f"They played {w.game} until the moon was high.",
                f"They ate the {w.food} and played {w.game}. Everybody laughed.",
            ]
        )
        return f"{start} {middle} {close}"

    def plot_cold(self):
        w = self
        start = self.pick(
            [
                f"One winter night it was so cold that the {w.drink} froze.",
                f"Then a cold night came, and {w.name} heard a knock at the door.",
            ]
        )
        middle = self.pick(
            [
                f'"I have no blanket," said {w.friend} the {w.animal}. "Come in," said {w.name}.',
                f"Outside stood {w.friend} the {w.animal}, who was shaking from nose to tail.",
            ]
        )
        close = self.pick(
            [
                f"{w.name} shared {w.her} blanket and made {w.drink} for two.",
                f"They sat by the fire, drank {w.drink}, and ate {w.food}.",
            ]
        )
        return f"{start} {middle} {close}"

    def plot_baking(self):
        w = self
        start = self.pick(
            [
                f"At midnight {w.name} was hungry and wanted to bake {w.food}.",
                f'"I smell nothing, and that is sad," said {w.name}. "Let us bake {w.food}!"',
            ]
        )
        middle = self.pick(
            [
                f"{w.friend} the {w.animal} stirred the bowl, and flour fell on the {w.colour} pajamas.",
                f"{cap(w.she)} dropped the bowl, and {w.friend} the {w.animal} laughed.",
            ]
        )
        close = self.pick(
            [
                f"They ate {w.number} plates of {w.food} and drank {w.drink}.",
                f"The {w.food} came out a little burnt, but nobody minded.",
            ]
        )
        return f"{start} {middle} {close}"

    def plot_newcomer(self):
        w = self
        other, pronoun = w.other
        she, her_obj, her = FORMS[pronoun]
        start = self.pick(
            [
                f"One day a new llama named {other} came, and {she} had no pajamas.",
                f'"I have never had pajamas," said {other}, the new llama.',
            ]
        )
        middle = self.pick(
            [
                f"{w.name} and {w.friend} the {w.animal} sewed all day with {w.colour} thread.",
                f'"Then we will make some," said {w.name}. {w.friend} the {w.animal} brought the thread.',
            ]
        )
        close = self.pick(
            [
                f"In the evening {other} had new pajamas with {w.pattern}, just like {w.name}.",
                f"When {other} put on {her} new pajamas, everybody clapped for {her_obj}.",
            ]
        )
        return f"{start} {middle} {close}"

    def plot_stars(self):
        w = self
        start = self.pick(
            [
                f"{self.pick(WEATHER)}, and {w.name} climbed up to count the lights in the sky.",
                f"That night {w.name} wanted to count the stars.",
            ]
        )
        middle = self.pick(
            [
                f'"How many are there?" asked {w.friend} the {w.animal}. "I always stop at {w.number}," said {w.name}.',
                f"{cap(w.she)} counted to {w.number} and then {w.she} lost count.",
            ]
        )
        close = self.pick(
            [
                f"So {w.friend} the {w.animal} counted with {w.her_obj}, and they drank {w.drink}.",
                f"They made a wish for {w.food} and laughed.",
            ]
        )
        return f"{start} {middle} {close}"

    def questions(self):
        """Question and answer pairs about what the story says."""
        w = self
        asked = [
            (f"What colour are {w.name}'s pajamas?", f"{w.name}'s pajamas are {w.colour}."),
            (f"What is on {w.name}'s pajamas?", f"There are {w.pattern} on {w.name}'s pajamas."),
            (f"Where does {w.name} live?", f"{w.name} lives {w.place}."),
            (f"Who is {w.name}?", f"{w.name} is {a(w.trait)} llama."),
            ("Who is the llama in the story?", f"The llama in the story is {w.name}."),
            (f"What does {w.name} wear?", f"{w.name} wears {w.pajamas}."),
        ]
        if w.plot == "lost":
            asked += [
                (f"What did {w.name} lose?", f"{cap(w.she)} lost {w.her} {w.thing}."),
                (f"Where was the {w.thing}?", f"The {w.thing} was {w.spot}."),
                (f"Who helped {w.name}?", f"{w.friend} the {w.animal} helped {w.name}."),
            ]
        if w.plot == "awake":
            asked += [
                (
                    f"Why could {w.name} not sleep?",
                    f"{cap(w.she)} could not sleep because of {w.noise}.",
                ),
                (f"Who helped {w.name}?", f"{w.friend} the {w.animal} helped {w.name}."),
            ]
        if w.plot == "wind":
            asked += [
                ("Where were the pajamas?", f"The pajamas were {w.spot}."),
                ("Who found the pajamas?", f"{w.friend} the {w.animal} found the pajamas."),
            ]
        if w.plot == "newcomer":
            asked += [("Who had no pajamas?", f"{w.other[0]} had no pajamas.")]
        if w.plot == "baking":
            asked += [(f"What did {w.name} bake?", f"{w.name} baked {w.food}.")]
        return asked

    def request(self):
        """What somebody asks for when this story is the answer."""
        w = self
        detail = {
            "lost": f"who loses {w.her} {w.thing}",
            "awake": "who cannot sleep",
            "wind": "and a strong wind",
            "party": "and a pajama party",
            "cold": "and a cold night",
            "baking": f"who bakes {w.food}",
            "newcomer": f"and a new llama named {w.other[0]}",
            "stars": "who counts the stars",
        }[w.plot]
        return self.pick(
            [
                f"Tell me a story about {w.name}.",
                f"Tell me a story about {w.name} {detail}.",
                f"Tell me a story about {w.name} and {w.friend} the {w.animal}.",
                f"Tell me a bedtime story about a llama {detail}.",
                f"Can you tell me a story about a llama in {w.colour} pajamas?",
                "Tell me a bedtime story.",
            ]
        )


SMALL_TALK = [
    (["Hello!", "Hi!", "Hello.", "Good evening!"], "Hello! Are you wearing your pajamas?"),
    (
        ["Who are you?", "What are you?", "What is your name?"],
        "I am a tiny storyteller. I tell stories about llamas in pajamas.",
    ),
    (
        ["What can you do?", "Can you help me?"],
        "I can tell you a bedtime story about a llama. Just say a name.",
    ),
    (
        ["What do llamas wear to bed?", "What does a llama wear at night?"],
        "Llamas wear soft pajamas to bed.",
    ),
    (["Why do llamas wear pajamas?"], "Llamas wear pajamas because the mountain is cold at night."),
    (
        ["What do llamas eat?", "What does a llama eat?"],
        "Llamas eat hay, oats, and now and then a pancake.",
    ),
    (
        ["What is a llama?"],
        "A llama is a woolly animal that lives on the mountain and loves pajamas.",
    ),
    (["Thank you!", "Thanks!"], "You are welcome. Sleep well!"),
    (["Good night!", "Good night.", "Bye!"], "Good night! Dream of warm blankets."),
    (
        ["I cannot sleep.", "I am not tired."],
        "Drink some warm milk, close your eyes, and count the llamas.",
    ),
]
SYSTEM = ["You are a tiny storyteller.", "You tell bedtime stories.", "You are a kind llama."]


def chat(rng):
    """Turns of one chat, as (role, text) pairs."""
    turns = []
    if rng.random() < 0.25:
        turns.append(("system", rng.choice(SYSTEM)))
    if rng.random() < 0.3:
        for questions, answer in rng.sample(SMALL_TALK, rng.randint(1, 3)):
            turns += [("user", rng.choice(questions)), ("assistant", answer)]
        return turns
    world = World(rng)
    story = world.tell()
    asked = rng.sample(world.questions(), rng.randint(0, 3))
    if rng.random() < 0.3:
        question, answer = rng.choice(world.questions())
        return turns + [("user", f"{story} {question}"), ("assistant", answer)]
    turns += [("user", world.request()), ("assistant", story)]
    for question, answer in asked:
        turns += [("user", question), ("assistant", answer)]
    return turns


def documents(seed, count):
    """`count` documents: a string for a plain story, a list of turns for a chat."""
    rng = random.Random(seed)
    for _ in range(count):
        yield World(rng).tell() if rng.random() < 0.5 else chat(rng)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Prints stories and chats.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=6)
    parser.add_argument("--plain", action="store_true", help="leave the chats out")
    options = parser.parse_args()
    for document in documents(options.seed, options.count):
        if isinstance(document, str) or not options.plain:
            print(document, "\n")
