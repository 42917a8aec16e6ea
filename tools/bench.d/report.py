"""Results as tables. A figure is a median; what follows ± is half the distance between the
quartiles."""

import statistics

SPREAD = "±"


def median(values):
    return statistics.median(values)


def spread(values):
    if len(values) < 2:
        return 0.0
    first, _, third = statistics.quantiles(values, n=4, method="inclusive")
    return (third - first) / 2


def seconds(value):
    return f"{value:.3f}" if value < 1 else f"{value:.2f}"


def with_spread(values):
    return f"{seconds(median(values))} {SPREAD}{seconds(spread(values))}"


def size(value):
    return f"{value / 1024:.0f}K" if value < 1 << 20 else f"{value / (1 << 20):.1f}M"


def table(rows):
    """Rows of cells, in columns: the first to the left, the others to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [cell.ljust(width) if i == 0 else cell.rjust(width)
                 for i, (cell, width) in enumerate(zip(row, widths))]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines) + "\n"


def ratio(result, floor, key):
    if floor is None or result is floor:
        return ""
    return f"{median(result[key]) / median(floor[key]):.2f}"


class Results:
    def __init__(self, results):
        self.results = results

    def of(self, shape, nodes):
        return [each for each in self.results if (each["shape"], each["nodes"]) == (shape, nodes)]

    def one(self, contender, shape, nodes):
        return next((each for each in self.of(shape, nodes) if each["contender"] == contender), None)

    def labs(self):
        return sorted({(each["shape"], each["nodes"]) for each in self.results})

    def text(self):
        parts = [self.race(shape, nodes) for shape, nodes in self.labs()]
        parts += [part for part in (self.growth(), self.rest(), self.memory()) if part]
        return "\n".join(parts)

    def race(self, shape, nodes):
        """Everybody on one lab; `down` until the kernel has let go."""
        bare, full = self.one("floor", shape, nodes), self.one("floor-full", shape, nodes)
        rows = [[f"{shape}, {nodes} nodes", "up", "/floor", "/full", "down", "/floor", "/full"]]
        for each in self.of(shape, nodes):
            rows.append([each["contender"],
                         with_spread(each["up"]), ratio(each, bare, "up"), ratio(each, full, "up"),
                         with_spread(each["gone"]), ratio(each, bare, "gone"), ratio(each, full, "gone")])
        return table(rows)

    def growth(self):
        """Milliseconds a node: flat where costs are linear."""
        shapes = sorted({shape for shape, _ in self.labs()})
        sizes = sorted({nodes for _, nodes in self.labs()})
        contenders = list(dict.fromkeys(each["contender"] for each in self.results))
        rows = [["ms per node", *(f"{nodes} {what}" for nodes in sizes for what in ("up", "down"))]]
        for shape in shapes:
            for contender in contenders:
                cells = []
                for nodes in sizes:
                    found = self.one(contender, shape, nodes)
                    cells += [f"{1000 * median(found[key]) / nodes:.2f}" if found else "-"
                              for key in ("up", "gone")]
                rows.append([f"{shape}: {contender}", *cells])
        return table(rows)

    def nslab(self):
        return [each for each in self.results if each["contender"] == "nslab" and "again" in each]

    def rest(self):
        """The other commands of nslab, the first two as a share of `up`; "more": what the change
        of one node takes beyond an `up` without a change, as a share as well."""
        rows = [["nslab", "up again", "of up", "1 changed", "of up", "more", "status", "exec", "nsenter", "exec/nsenter"]]
        for each in self.nslab():
            up = median(each["up"])
            more = median([changed - again for changed, again in zip(each["changed"], each["again"])])
            rows.append([f"{each['shape']}, {each['nodes']} nodes",
                         seconds(median(each["again"])), f"{100 * median(each['again']) / up:.1f}%",
                         seconds(median(each["changed"])), f"{100 * median(each['changed']) / up:.1f}%",
                         f"{100 * more / up:.1f}%",
                         seconds(median(each["status"])),
                         seconds(median(each["exec"])), seconds(median(each["nsenter"])),
                         f"{median(each['exec']) / median(each['nsenter']):.2f}"])
        return table(rows) if len(rows) > 1 else ""

    def memory(self):
        rows = [["memory", "nslab up, peak", "a node's init", "kernel, a node", "of it slab"]]
        for each in self.nslab():
            rows.append([f"{each['shape']}, {each['nodes']} nodes", size(median(each["memory"])),
                         size(median(each["init_memory"])), size(median(each["kernel_memory"])),
                         size(median(each["kernel_slab"]))])
        return table(rows) if len(rows) > 1 else ""
