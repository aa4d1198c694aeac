#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""usage: tests/words.py [--limit N] [--list] FILE...

Counts words that hide the subject of a sentence ("what", "who", "nobody", ...), and the
likes of "is no dma-buf", in comments and documents, for each 100 words. Exits with 1 if there are more than N
(default: 0.6) in any group of files, or more than twice that in one document.
Questions are not counted, since they need such words.

  --list   print each line that has one
"""
import argparse
import collections
import os
import re
import sys

COUNTED = re.compile(
    r"\b(?:who|whom|whoever|what|whatever|where|wherever|nobody|somebody)\b"
    r"|(?<!there )\b(?:is|are|was|were) no\b(?! longer| more)", re.I)
WORD = re.compile(r"[A-Za-z][A-Za-z'-]*")


def c_comments(text):
    for match in re.finditer(r"/\*.*?\*/|//[^\n]*", text, re.S):
        yield text.count("\n", 0, match.start()) + 1, re.sub(r"^\s*\*", "", match[0], flags=re.M)


def hash_comments(text):
    block, start = [], 0
    for number, line in enumerate(text.splitlines() + [""], 1):
        match = re.match(r"\s*#(?!!)(.*)", line)
        if match and not re.match(r"\s*(shellcheck|SPDX)", match[1]):
            start = start if block else number
            block.append(match[1])
        elif block:
            yield start, "\n".join(block)
            block = []


def paragraphs(text):
    number = 1
    for paragraph in text.split("\n\n"):
        yield number, paragraph
        number += paragraph.count("\n") + 2


def markdown(text):
    text = re.sub(r"^(    |\t).*$", "", text, flags=re.M)
    text = re.sub(r"^```.*?^```$", lambda m: "\n" * m[0].count("\n"), text, flags=re.M | re.S)
    return paragraphs(re.sub(r"`[^`\n]*`", "", text))


def manual(text):
    # the text of the author's examples is not prose
    text = re.sub(r"^\.EX$.*?^\.EE$", lambda m: "\n" * m[0].count("\n"), text, flags=re.M | re.S)
    return paragraphs(re.sub(r"^\.\\\".*$|^\.[A-Z]+", "", text, flags=re.M))


def prose(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    if path.endswith((".c", ".h")):
        return c_comments(text)
    if path.endswith(".md"):
        return markdown(text)
    if re.search(r"\.[1-8]$", path):
        return manual(text)
    return hash_comments(text)


def group_of(path):
    if path.endswith(".md") or re.search(r"\.[1-8]$", path):
        return path
    return path.split("/")[0]


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n", 1)[0].split(": ", 1)[1])
    parser.add_argument("--limit", type=float, default=0.6)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("files", nargs="+")
    options = parser.parse_args()
    words, counted = collections.Counter(), collections.Counter()
    for path in options.files:
        group = group_of(path)
        for number, text in prose(path):
            words[group] += len(WORD.findall(text))
            for sentence in re.split(r"(?<=[.?!:;])\s", text):
                found = COUNTED.findall(sentence)
                if not found or sentence.rstrip().endswith("?"):
                    continue
                counted[group] += len(found)
                if options.list:
                    print(f"{path}:{number}: {' '.join(sentence.split())}")
    failed = False
    for group in sorted(words):
        # one word in a short document is not a style
        limit = options.limit if os.path.isdir(group) or words[group] > 500 else 2 * options.limit
        rate = 100 * counted[group] / max(words[group], 1)
        failed |= rate > limit
        print(f"{rate:5.2f} {'>' if rate > limit else ' '} {group} ({words[group]} words)")
    return failed


if __name__ == "__main__":
    sys.exit(main())
