"""Whom of the team a question goes to: rules that are sure, and everything else for the worker."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxspark.agent.router import LONG_WORDS, ROLES, Route, route

EYES = """
What is on my screen?
What's on my screen right now?
What’s on the screen?
Read this.
Read this for me, please.
Can you read what is on my screen?
What am I holding?
What am I holding in my hand?
What am I wearing?
Look at this.
Look at this picture.
Hey, look at this, please.
What is this?
What are these?
What's this in my hand?
Describe this image.
Describe my screen.
Explain this error on my screen.
Summarize the page on my display.
Take a picture.
Take a photo of me.
Take a screenshot.
Can you see me?
What can you see?
Who is in front of me on the camera?
Translate the text on the screen.
How do I look?
What do you see in this picture?
"""
CODER = """
Write a Python function that reverses a list.
Write a python script to rename my photos.
Fix the bug in my code.
Can you debug this function?
Write me a regular expression for phone numbers.
Refactor this class, please.
Implement quicksort in Rust.
How do I read a file in Python?
Write a function that adds two numbers.
Write an SQL query that counts users.
Review my code.
Write unit tests for the parser.
Generate a Dockerfile for my app.
Write a program that prints primes.
How can I sort a list in JavaScript?
Write a bash script that backs up my home.
Write a hello world in Haskell.
Explain this code to me.
Loop over a dictionary in Python.
Create an HTML page in HTML and CSS.
"""
REASONER = """
Think hard about why the sky is blue.
Think carefully, which is heavier?
Please think step by step: how old is the captain?
Could you think harder about that?
Ask the big model who was right.
Use the big brain for this one.
What is the best opening move in chess? Think hard.
Take your time, and tell me which of the two is the liar.
Okay, think it through.
Ask the reasoner why ice floats.
Ask the reasoner to solve the puzzle of the wolf and the goat.
"""
MANAGER = """
Ask Bob why the sky is blue.
Ask Bob, why is the sky blue?
Can you ask Bob about the weather on Mars?
Bob, why is the sky blue?
Hey Bob, what do you make of it?
Ask the manager to plan my week.
Use the manager to write a letter.
Prove that the square root of two is irrational.
Prove step by step that the square root of two is irrational.
Give me a proof that there are infinitely many primes.
How many ways are there to change a dollar?
In how many different ways can eight people sit at a table?
Compare Paris and Rome for a weekend and tell me which is better.
Compare a heat pump with a gas boiler and recommend one.
Plan a trip to Japan for ten days on a small budget.
Make a study schedule for the next three weeks.
What are the pros and cons of buying a house?
Optimize my morning routine.
"""
WORKER = """
What is the capital of France?
Write a shopping list.
Write a shopping list with milk and eggs.
I see.
I see what you mean.
I see this as a problem.
I'll see this through.
The code of conduct says no.
What is the dress code?
What's the zip code of Boston?
Read me the news.
Read me a story.
Write a poem about autumn.
Write a class reunion invitation.
Write a letter to my landlord.
Write a script for a school play.
Fix me a drink.
Create a workout program for the gym.
Review the movie for me.
My car is covered in rust.
We went on a holiday in Java.
There is a snake called python in the garden.
What is this song?
What is this about?
What are these people thinking?
Let the manager know that I am late.
Ask my manager for a raise.
I have to ask Bob's sister.
Bob is my uncle.
Bob and Alice went to the market.
My manager is on holiday.
The coder was tired.
Have eyes on the road.
I think hard work pays off.
I thought hard about it.
He takes his time.
The doctor told him to take your time.
Take it step by step, the song goes.
Give me step by step instructions for tying a tie.
That proves nothing.
I can prove it, your honour!
There was no proof of that.
Compare notes with Anna.
How many days until Christmas?
What is the plan for today?
I plan to stay for two weeks.
The budget is tight these days.
Look at the time.
Look at that!
Turn on the screen.
Turn off my monitor.
Is the camera any good?
She smiled at the camera.
He was the biggest star on the screen.
You won't believe what happened next, right after the break.
Detective, we found this at the scene of the crime.
And now, live from New York, the evening news.
They were holding hands in the rain.
Stay tuned for more, only on channel five.
Can you see why people like it?
Describe the taste of durian.
Explain gravity to me.
Set a timer for five minutes.
Turn on the lights.
What function does the liver have?
The class starts at nine.
Which class is the bug in biology in?
Ask.
Ask Bob
Bob,
"""

ALL = [
    (text, role)
    for role, texts in (
        ("eyes", EYES),
        ("coder", CODER),
        ("reasoner", REASONER),
        ("manager", MANAGER),
        ("worker", WORKER),
    )
    for text in texts.strip().splitlines()
]


@pytest.mark.parametrize(("text", "role"), ALL)
def test_goes_to_the_right_one(text: str, role: str) -> None:
    found = route(text, ROLES)
    assert (found.role, bool(found.why)) == (role, True)


@pytest.mark.parametrize(("text", "role"), ALL)
def test_case_and_blank_do_not_matter(text: str, role: str) -> None:
    assert route(f"  {text.lower()}\n", ROLES).role == role


def test_the_table_is_large_enough_to_mean_something() -> None:
    assert len(ALL) >= 120
    assert sum(role == "worker" for _, role in ALL) >= 50


@pytest.mark.parametrize(("text", "role"), ALL)
def test_with_a_worker_alone_everything_is_the_worker_s(text: str, role: str) -> None:
    assert route(text, ["worker"]).role == "worker"


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("Ask Bob why the sky is blue.", "why the sky is blue."),
        ("Please ask Bob about Mars", "Mars"),
        ("Bob, why is the sky blue?", "why is the sky blue?"),
        ("Use the manager to write a letter.", "write a letter."),
        ("ask the reasoner: is it so?", "is it so?"),
        ("  Ask Bob if it rains. And ask Bob to dance.", "it rains. And ask Bob to dance."),
    ],
)
def test_words_that_only_named_somebody_are_left_out(text: str, question: str) -> None:
    assert route(text, ROLES).question == question


def test_a_named_one_who_is_not_there_leaves_the_question_as_it_was() -> None:
    assert route("Ask Bob why the sky is blue.", ["worker", "coder"]) == Route(
        "worker", "No rule speaks for anybody else.", "Ask Bob why the sky is blue."
    )


def test_a_name_goes_before_everything_else() -> None:
    assert route("Ask Bob to write a Python function that sorts.", ROLES).role == "manager"


def test_hard_thinking_goes_to_the_manager_where_there_is_no_reasoner() -> None:
    assert route("Think hard: why is it so?", ["worker", "manager"]).role == "manager"
    assert route("Prove that there is no largest prime.", ["worker", "reasoner"]).role == "reasoner"


def test_a_picture_goes_to_the_eyes() -> None:
    assert route("Who is it?", ROLES, has_image=True).role == "eyes"
    assert route("Who is it?", ["worker"], has_image=True).role == "worker"


def test_a_long_question_is_a_task() -> None:
    assert route("word " * LONG_WORDS, ROLES).role == "worker"
    assert route("word " * (LONG_WORDS + 1), ROLES).role == "manager"


@given(st.text(max_size=300))
def test_any_text_has_somebody_who_is_there(text: str) -> None:
    found = route(text, ["worker", "coder"])
    assert found.role in ("worker", "coder")
    assert found == route(text, ["worker", "coder"])


@pytest.mark.parametrize(
    "text", ["compare " * 5_000, "a and " * 5_000, "plan " * 5_000, "read this " * 5_000, "\n" * 50_000]
)
def test_a_huge_text_is_read_only_so_far(text: str) -> None:
    assert route(text, ROLES).role in ROLES
