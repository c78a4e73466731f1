"""The acoustic echo canceller: what the speaker plays is taken out of what the microphone hears.

speaker callback ──played──▶ FarEnd ──reference──▶ Canceller ◀──chunk── microphone
                                                       └──▶ chunk without the echo
"""
