"""Figures with their spread, and the table that shows carrier's beside another program's."""

import json
import statistics
import sys


class Series:
    """The figures of several runs."""

    def __init__(self, figures):
        self.figures = [figure for figure in figures if figure is not None]

    def __bool__(self):
        return bool(self.figures)

    @property
    def median(self):
        return statistics.median(self.figures)

    def __str__(self):
        if not self:
            return "-"
        if len(self.figures) == 1:
            return number(self.median)
        return "%s (%s–%s)" % (number(self.median), number(min(self.figures)), number(max(self.figures)))

    def json(self):
        return {"median": self.median, "low": min(self.figures), "high": max(self.figures), "runs": self.figures}


def number(value):
    """Three or four digits, whatever the size."""
    if abs(value) >= 100:
        return "{:,.0f}".format(value).replace(",", " ")
    return "%.1f" % value if abs(value) >= 10 else "%.2f" % value


class Wanted:
    """What the comparison should come to."""

    def __init__(self, sign, bound, is_difference=False):
        self.sign, self.bound, self.is_difference = sign, bound, is_difference

    def compare(self, ours, theirs):
        return ours - theirs if self.is_difference else ours / theirs

    def is_met(self, value):
        return value >= self.bound if self.sign == "≥" else value <= self.bound

    def text(self, value):
        return ("%+.1f" if self.is_difference else "%.2f×") % value

    def __str__(self):
        return "%s %g%s" % (self.sign, self.bound, " more" if self.is_difference else "×")


def at_least(times):
    return Wanted("≥", times)


def at_most(times):
    return Wanted("≤", times)


def at_most_more(difference):
    return Wanted("≤", difference, is_difference=True)


class Table:
    HEADER = ["what", "unit", "carrier", "beside", "its figure", "carrier is", "wanted", ""]

    def __init__(self, conditions):
        self.conditions, self.rows, self.missing = conditions, [], []

    def row(self, what, unit, ours, beside="", theirs=None, wanted=None, bound=None):
        """Adds a row.

        `ours` and `theirs` are lists of figures; `wanted` is how the medians should compare; `bound` is instead the most
        that carrier's own figure may be."""
        ours, theirs = Series(ours), Series(theirs or [])
        if not ours:
            return self.lacks(what, "carrier gave no figure")
        compared = None
        if theirs:
            compared = (wanted or at_least(0)).compare(ours.median, theirs.median)
        met = None
        if wanted and compared is not None:
            met = wanted.is_met(compared)
        elif bound is not None:
            met = ours.median <= bound
        self.rows.append(
            {"row": what, "unit": unit, "carrier": ours, "beside": beside, "other": theirs, "compared": compared,
             "wanted": wanted, "bound": bound, "met": met})
        note("%s: %s %s, %s %s" % (what, ours, unit, beside or "alone", theirs if theirs else ""))

    def lacks(self, what, why):
        """Says which row could not be measured, and what to do about it."""
        self.missing.append({"row": what, "missing": why})
        note("%s: not measured: %s" % (what, why))

    def cells(self):
        for row in self.rows:
            wanted = row["wanted"]
            yield [
                row["row"], row["unit"], str(row["carrier"]), row["beside"], str(row["other"]) if row["other"] else "",
                (wanted or at_least(0)).text(row["compared"]) if row["compared"] is not None else "",
                str(wanted) if wanted else "≤ %g" % row["bound"] if row["bound"] is not None else "",
                {True: "met", False: "not met", None: ""}[row["met"]],
            ]

    def lines(self):
        yield json.dumps({"conditions": self.conditions}, ensure_ascii=False)
        for row in self.rows:
            out = {"row": row["row"], "unit": row["unit"], "carrier": row["carrier"].json()}
            if row["other"]:
                out.update({"beside": row["beside"], "other": row["other"].json(), "compared": round(row["compared"], 4)})
            if row["wanted"] or row["bound"] is not None:
                out.update({"wanted": str(row["wanted"] or "≤ %g" % row["bound"]), "met": row["met"]})
            yield json.dumps(out, ensure_ascii=False)
        for row in self.missing:
            yield json.dumps(row, ensure_ascii=False)

    def write(self, json_file, markdown):
        if json_file:
            with (sys.stdout if json_file == "-" else open(json_file, "w")) as file:
                file.writelines(line + "\n" for line in self.lines())
            if json_file == "-":
                return
        print("\n".join("%s: %s" % pair for pair in self.conditions.items()) + "\n")
        rows = [self.HEADER, *self.cells()]
        if markdown:
            rows.insert(1, ["---"] * len(self.HEADER))
            print("\n".join("| %s |" % " | ".join(row) for row in rows))
        else:
            widths = [max(map(len, column)) for column in zip(*rows)]
            for row in rows:
                print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
        for row in self.missing:
            print("\nnot measured: %(row)s: %(missing)s" % row)


def note(text):
    print("bench: " + text, file=sys.stderr, flush=True)
