"""What contacts send beside text: fetched, understood, shown to models and operators (docs/media.md).

fetching.py       from the channel into rows, piece by piece; fetchers.py for what no turn waits for
magic.py          what bytes are, whatever they are called
understanding.py  pictures are looked at, documents read, sound written down
transcribing/     who writes sound down
attending.py      all of it for one turn, before it is thought about
showing.py        what of it goes before a model
forgetting.py     the bytes go after a while, the text stays
"""
