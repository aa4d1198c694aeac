#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""usage: report.py REPORT.json [--csv FILE] [--svg DIR]

Prints the tables of a report of dmaheap-bench, adds the machine to the JSON if it is
missing, and writes the medians as CSV and a chart of each group, drawn by gnuplot.
"""
import argparse
import csv
import glob
import json
import os
import platform
import statistics
import subprocess
import sys

CREATE, CLOSE, IO, SPEED, CPU, CACHED, COPIES = range(7)


def read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().strip()
    except OSError:
        return ""


def kind_of_machine():
    cpu = read("/proc/cpuinfo")
    product = f"{read('/sys/class/dmi/id/sys_vendor')} {read('/sys/class/dmi/id/product_name')}"
    if "User Mode Linux" in cpu:
        return "User Mode Linux: system calls are slow, the disk is a thread that copies"
    if "TCG" in cpu:
        return "emulated (QEMU TCG): the CPU is slow, the disk's DMA is a copy by the host"
    return ("a virtual machine " if " hypervisor" in cpu else "a machine ") + product.strip()


def find_machine(report):
    system = platform.uname()
    disk = subprocess.run(["findmnt", "-no", "FSTYPE,SOURCE", "-T", report["dir"]],
                          capture_output=True, text=True, check=False).stdout.split()
    heaps = sorted(os.path.basename(path) for path in glob.glob("/dev/dma_heap/*"))
    return {
        "kernel": f"{system.system} {system.release}, {system.version}, {system.machine}",
        "kind": kind_of_machine(),
        "processors": os.cpu_count(),
        "memory": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        "clock": read("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
        "disk": " on ".join(disk) or report["dir"],
        "heaps": heaps + ["udmabuf"] * os.path.exists("/dev/udmabuf"),
        "boot": read("/proc/sys/kernel/random/boot_id"),
    }


def print_head(report):
    machine = report["machine"]
    print(f"kernel: {machine['kernel']}")
    print(f"machine: {machine['kind']}; {machine['processors']} processors, "
          f"{machine['memory'] >> 20} MiB, load {report['load']:.1f}, clock {machine['clock']}")
    print(f"disk: {machine['disk']}; heaps: {', '.join(machine['heaps']) or 'shmem only'}; "
          f"the dma-heap is {report['heap']}")
    print(f"boot: {machine['boot']}; do not compare with figures of other boots")
    print(f"medians of {report['runs']} runs (from … to); rows take turns, in an order drawn "
          f"with --seed {report['seed']}")
    print("cached: bytes by which the page cache grew, for each byte; copies: CPU time in units "
          f"of a memcpy(),\nhere {report['copy_ns_per_byte']:.3g} ms for a MB")


def number(value):
    size = abs(value)
    digits = 0 if size == 0 or size >= 100 else 4 if size < .1 else 3 if size < 1 else \
        2 if size < 10 else 1
    return f"{value:.{digits}f}"


def spread(values):
    """median, least, most"""
    return statistics.median(values), min(values), max(values)


def spread_text(values, unit=number):
    return "{} ({} … {})".format(*(unit(value) for value in spread(values)))


def values_of(row, figure):
    return row["figures"][figure]["values"]


def divide(over, under):
    return [a / b if b else float("nan") for a, b in zip(over, under)]


def reason(row):
    return f"FAILED: {row['failed']}" if "failed" in row else f"skipped: {row['skipped']}"


def print_rows(rows, width, cells):
    for row in rows:
        print(f"|{row['row']:>{width}}|", cells(row) if row["figures"] else f"  {reason(row)}",
              sep="")


def ratio_values(ratio, rows):
    """The values of a ratio, run by run; for CPU time of all runs together."""
    one, other = rows.get(ratio["row"]), rows.get(ratio["against"])
    if not one or not other:
        return None
    if ratio["kind"] in ("cpu", "saved"):
        percent = 100 * sum(values_of(one, CPU)) / (sum(values_of(other, CPU)) or float("nan"))
        return [percent if ratio["kind"] == "cpu" else 100 - percent]
    times = [values_of(row, IO) if ratio["kind"] == "speed" else
             [a + b for a, b in zip(values_of(row, CREATE), values_of(row, IO))]
             for row in (other, one)]
    return divide(*times)


def print_ratios(group):
    rows = {row["row"]: row for row in group["rows"] if row["figures"]}
    for ratio in group["ratios"]:
        values = ratio_values(ratio, rows)
        if not values and "claim" not in ratio:
            continue
        text = "not measured here" if not values else f"{values[0]:.0f} %" \
            if ratio["kind"] in ("cpu", "saved") else \
            spread_text(values, lambda value: f"{value:.2f}") + " times as fast"
        print(f"{ratio['what']}: {text}" +
              (f"; published: {ratio['claim']}" if "claim" in ratio else ""))


def print_table(group):
    size = group["size"] / (1 << 20)
    title = f"{group['count']}x{size:.4g}MB {group['name']} {group['count'] * size:.4g}MB"
    base = next((spread(values_of(row, IO)) for row in group["rows"] if row["figures"]), None)

    def cells(row):
        median = [spread(figure["values"])[0] for figure in row["figures"]]
        io = spread(values_of(row, IO))
        return (f"{median[CREATE]:8.0f}|{median[CLOSE]:8.0f}|{median[IO]:8.0f}|"
                f"{median[SPEED]:8.0f}|{100 * base[0] / io[0]:4.0f}%|{median[CPU]:8.0f}|"
                f"{abs(median[CACHED]):6.2f}|{median[COPIES]:6.2f}| {io[1]:.0f} … {io[2]:.0f}")

    print(f"|{title:>26}|Creat-ms|Close-ms|  I/O-ms|I/O-MB/s| I/O%|  CPU-ms|cached|copies|"
          " I/O-ms from … to")
    print_rows(group["rows"], 26, cells)
    print_ratios(group)


def print_lists(group):
    rows = [row for row in group["rows"] if row["figures"]]
    yardstick = next((row for row in rows if row["yardstick"]), None)
    for index, figure in enumerate(rows[0]["figures"] if rows else []):
        print(f"  {figure['figure']}, {figure['unit']}" +
              (f", and against {yardstick['row']}" if yardstick else ""))
        for row in rows:
            ratio = divide(values_of(row, index), values_of(yardstick, index)) if yardstick else []
            print(f"    {row['row']:<18}{spread_text(values_of(row, index)):<30}"
                  f"{'× ' + spread_text(ratio) if ratio else ''}".rstrip())
    for row in group["rows"]:
        if not row["figures"]:
            print(f"    {row['row']:<18}{reason(row)}")


def print_group(group):
    print(f"\n{group['name']}: {group['what']}")
    if "skipped" in group:
        print(f"  skipped: {group['skipped']}")
    else:
        {"table": print_table, "lists": print_lists}[group["style"]](group)


def write_csv(report, path):
    with open(path, "w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(["group", "figure", "unit", "row", "runs", "median", "min", "max"])
        for group in report["groups"]:
            for row in group.get("rows", []):
                for figure in row["figures"]:
                    out.writerow([group["name"], figure["figure"], figure["unit"], row["row"],
                                  report["runs"],
                                  *(f"{value:g}" for value in spread(figure["values"]))])


def quoted(text):
    return '"' + text.replace('"', "'") + '"'


def bars(rows, figure):
    data = "".join(f"{quoted(row['row'])} {a:g} {b:g} {c:g}\n" for row in rows
                   for a, b, c in [spread(values_of(row, figure))])
    return (f"$rows << end\n{data}end\nset xtics rotate by -50\nset boxwidth 0.7\n"
            "set style fill solid 0.6\nunset key\n"
            "plot $rows using 0:2:xtic(1) with boxes linecolor '#3465a4', "
            "'' using 0:3:(0):($4-$3) with vectors nohead linewidth 2 linecolor '#000000'\n")


def draw(report, group, directory):
    rows = [row for row in group.get("rows", []) if row["figures"]]
    if not rows:
        return
    figure = SPEED if group["style"] == "table" else 0
    title = (f"{group['name']}: {group['what']}\\n{report['machine']['kernel'].split(',')[0]}, "
             f"medians of {report['runs']} runs of one boot, whiskers from the least to the most")
    script = ("set terminal svg size 960,540 font 'sans,12' background '#ffffff'\n"
              f"set output '{directory}/{group['name']}.svg'\nset title {quoted(title)} noenhanced\n"
              f"set ylabel {quoted(rows[0]['figures'][figure]['unit'])} noenhanced\n"
              "set yrange [0:*]\nset grid ytics\nset xtics noenhanced\nset border 3\n"
              "set tics nomirror\nset rmargin 12\n")
    script += bars(rows, figure)
    subprocess.run(["gnuplot"], input=script, text=True, check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("report")
    parser.add_argument("--csv", default="")
    parser.add_argument("--svg", default="")
    options = parser.parse_args()
    with open(options.report, encoding="utf-8") as file:
        report = json.load(file)
    if "machine" not in report:
        report["machine"] = find_machine(report)
        with open(options.report, "w", encoding="utf-8") as file:
            json.dump(report, file, indent=1)
    print_head(report)
    for group in report["groups"]:
        print_group(group)
    if options.csv:
        write_csv(report, options.csv)
    if options.svg:
        os.makedirs(options.svg, exist_ok=True)
        for group in report["groups"]:
            draw(report, group, options.svg)


if __name__ == "__main__":
    sys.exit(main())
