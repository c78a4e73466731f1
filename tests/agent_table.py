"""What people say, the tool it asks for, and what a good model would call it with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """Utterances that mean the same."""

    tool: str
    """Empty for none."""
    arguments: dict[str, object]
    utterances: str
    role: str = "worker"

    @property
    def texts(self) -> list[str]:
        return self.utterances.strip().splitlines()


ROWS = [
    Row("get_time", {}, """
What time is it?
Tell me the time.
Do you know what time it is?
What's the time, please?
Could you look at the clock for me?
Hey Jarvis, what time is it?
I wonder how late it is.
What time is it in Tokyo?
How late is it over in Sydney?
"""),
    Row("get_date", {}, """
What's the date?
What day is it today?
What's today's date?
Which day do we have?
What year is it?
What month are we in?
Is it Tuesday today?
What day of the week is it?
"""),
    Row("get_weekday", {"day": "Christmas"}, """
What day of the week is Christmas this year?
On which day does Christmas fall?
What day is Christmas?
Is Christmas on a weekend this year?
Tell me the weekday of Christmas.
Which weekday is Halloween?
What day is New Year's Eve?
When is Halloween, on a Monday?
"""),
    Row("set_timer", {"seconds": 600}, """
Set a timer for ten minutes.
Ten minute timer.
Start a ten-minute timer, please.
Timer for 10 minutes.
Tell me when ten minutes are over.
Wake me in ten minutes from my nap.
Count down ten minutes for the pasta.
I need ten minutes on the clock.
Set a timer for five minutes, no, make it ten.
"""),
    Row("set_alarm", {"when": "tomorrow at 7:00"}, """
Set an alarm for seven tomorrow morning.
Wake me up tomorrow at seven.
I have to get up at seven tomorrow.
Alarm at 7 a.m. tomorrow, please.
Make sure that I'm awake by seven tomorrow.
Set an alarm for 7:00 tomorrow.
Please wake me at seven, tomorrow is a big day.
Could you set my alarm to seven for tomorrow?
"""),
    Row("set_reminder", {"text": "call mum", "when": "tomorrow at 17:00"}, """
Remind me to call mum tomorrow at five p.m.
Don't let me forget to call mum tomorrow at five in the afternoon.
Tomorrow at five p.m. remind me to call mum.
Set a reminder to call mum tomorrow at 17:00.
I must not forget to ring mum tomorrow at five in the afternoon.
Please remind me at 5 pm tomorrow to call mum.
Make a reminder: call mum, tomorrow, five in the evening.
Will you remind me of calling mum tomorrow at 5 p.m.?
"""),
    Row("cancel_timer", {"everything": True}, """
Cancel all timers.
Cancel all my timers.
Clear every timer.
Delete all timers, please.
I don't need any of the timers any more.
Get rid of the timers, all of them.
Throw all the timers away.
No more timers, please.
"""),
    Row("list_timers", {}, """
Which timers are running?
How much time is left?
How long is left on the timer?
What timers do I have?
When will it ring?
How much longer do the eggs need?
Do I have any timers running?
Is there still a timer on?
"""),
    Row("change_timer", {"action": "extend", "seconds": 300}, """
Add five minutes to the timer.
Give the timer five more minutes.
Five minutes more on the timer, please.
Extend the timer by five minutes.
The timer should run five minutes longer.
Make the timer five minutes longer.
Put another five minutes on the timer.
Can you add five minutes to my timer?
"""),
    Row("calculate", {"expression": "15 % of 80"}, """
What is 15 percent of 80?
What's fifteen percent of eighty?
How much is 15% of 80?
Calculate 15 percent of 80.
If I tip fifteen percent on eighty, how much is it?
Work out 12 times 12.
What is two plus two?
I have eighty apples and give away fifteen percent, how many is that?
"""),
    Row("convert_units", {"amount": 5.0, "from_unit": "miles", "to_unit": "kilometers"}, """
Convert five miles to kilometers.
How many kilometers are five miles?
What is 5 miles in kilometers?
How far is five miles in kilometers?
Five miles, what's that in kilometers?
How many feet are in a mile?
What's 20 degrees Celsius in Fahrenheit?
I ran five miles, tell me in kilometers.
"""),
    Row("set_lamp", {"brightness": 30}, """
Turn the kitchen lights down to thirty percent.
Dim the lights.
Make it a bit darker in here.
Lights to thirty percent, please.
Set the kitchen lamp to 30.
It's too bright in the kitchen.
Turn on the lights.
Could you switch the lamp on?
"""),
    Row("get_weather", {"city": "Paris"}, """
What's the weather like in Paris?
Will it rain in Paris today?
Do I need an umbrella in Paris?
How warm is it in Paris?
Is it sunny in Paris right now?
What will the weather be in Paris tomorrow?
Weather in Paris, please.
How cold does it get in Paris tonight?
"""),
    Row("search_web", {"query": "who won the election"}, """
Search the web for the winner of the election.
Who won the election yesterday?
Google who won the election.
Look up the winner of the election.
Find out who won the election.
What does the internet say about the election?
Can you search who won?
Look online who won the election.
"""),
    Row("read_calendar", {}, """
What's on my calendar today?
Do I have any meetings tomorrow?
When is my next appointment?
What are my plans for Friday?
Am I free this afternoon?
Read me my calendar.
What's next on my agenda?
Is there anything in my diary for Monday?
"""),
    Row("read_page", {"address": "https://example.org"}, """
Read me the page example dot org.
What does it say on example dot org?
Open the page example dot org and read it to me.
Summarize the website example dot org.
Read the article at example dot org.
Get me the text of example dot org.
What's new on example dot org?
Look at the website example dot org for me.
"""),
    Row("remember", {"text": "The user's wife is called Ann."}, """
Remember that my wife is called Ann.
Please remember my wife's name is Ann.
My wife is called Ann, remember that.
Make a note in your memory: my wife is Ann.
Keep in mind that my wife is called Ann.
Don't forget that my wife's name is Ann.
You should know that my wife is called Ann.
Learn that my wife is called Ann.
"""),
    Row("delete_file", {"path": "/home/me/old.txt"}, """
Delete the file old dot txt.
Remove old dot txt from my home.
Get rid of old dot txt.
Erase the file old dot txt, please.
Throw away old dot txt.
Can you delete old dot txt for me?
I don't need old dot txt any more, delete it.
Trash the file old dot txt.
"""),
    Row("send_message", {"to": "Ann", "text": "I am late."}, """
Tell Ann that I am late.
Send Ann a message that I am late.
Text Ann: I am late.
Write Ann that I'll be late.
Let Ann know I'm late.
Message Ann, I am late.
Could you tell Ann I'm running late?
Send a message to Ann saying I am late.
"""),
    Row("run_command", {"command": "systemctl restart cups"}, """
Restart the printer service.
Run systemctl restart cups.
The printer hangs, restart its service.
Can you restart cups?
Execute the command that restarts the printer.
Please restart the print service.
Give the printer service a kick.
Run the restart command for cups.
"""),
    # ── no tool ──
    Row("", {}, """
What is the capital of France?
Tell me a joke.
Who wrote Romeo and Juliet?
How are you today?
Why is the sky blue?
What's a timer?
How do I set a timer on my phone?
I set a timer yesterday.
Don't set a timer.
What does delete mean?
How would one delete a file on Linux?
Is it dangerous to run commands as root?
Did you send a message?
What is 24/7?
What is 1984 about?
Who invented the light bulb?
Sing me a song.
You are funny.
How tall is Mount Everest?
What's the difference between weather and climate?
I love Paris in the spring.
How long does pasta take?
Repeat that in French.
What is time?
Okay, thank you.
Yes.
Hm.
"""),
    Row("", {}, """
Ask Bob why the sky is blue.
Prove that there are infinitely many primes.
Plan a trip to Rome for five days.
""", "manager"),
    Row("", {}, """
Write a Python function that sorts a list.
Fix the bug in my code.
Write a bash script that deletes old files.
""", "coder"),
    Row("", {}, """
What is on my screen?
What am I holding?
Read this.
""", "eyes"),
    # ── the television ──
    Row("", {}, """
And now, the weather with Susan.
Stay tuned for more after the break.
He deleted the file before anyone could see it.
You have ten minutes to leave the building!
Set the charges and get out of there.
Turn off the lights, said the old man.
I told you, never send him a message.
Confirm the target, over.
Confirm delete.
Yes, do it! Do it now!
The timer is ticking, and nobody knows the code.
Wake up, Neo.
Buy two, and get the third one free.
Alexa is a registered trademark.
Remember, remember, the fifth of November.
It is five o'clock somewhere.
Delete your account!
Call now, operators are standing by.
The search for survivors goes on.
One, two, three, four, five.
What time was it when you last saw the victim?
Cancel my flight, I am staying here with you.
Run! Run for your lives!
It's not what you think, Margaret.
"""),
]  # fmt: skip
