import matplotlib.pyplot as plt


def draw_network(values, weights, gradients):
    """Draw layers from left to right: values and weights, gradients.

    values is one list of texts a layer, from the inputs on; weights and
    gradients are one matrix of texts a layer, rows of units as in nn.Linear.
    """
    _, axes = plt.subplots()
    axes.axis("off")
    places = [
        [(at, (len(layer) - 1) / 2 - i) for i in range(len(layer))]
        for at, layer in enumerate(values)
    ]
    tallest = max(map(len, values)) / 2
    axes.set(xlim=(-0.2, len(values) - 0.8), ylim=(-tallest, tallest))

    def write(text, place, offset, color, side="center"):
        style = {"ha": side, "va": "center", "color": color}
        axes.annotate(text, place, offset, "data", "offset points", **style)

    for at, layer in enumerate(weights):
        for j, row in enumerate(layer):
            for i, weight in enumerate(row):
                (a, b), (c, d) = places[at][i], places[at + 1][j]
                axes.plot([a, c], [b, d], "#c4d3c8", lw=1.2, zorder=0)
                place = a + 0.68 * (c - a), b + 0.68 * (d - b)
                write(weight, place, (-2, 5), "C0", "right")
                write(gradients[at][j][i], place, (3, 5), "C1", "left")
    for layer, texts in zip(places, values, strict=True):
        for place, text in zip(layer, texts, strict=True):
            axes.plot(*place, "o", color="#c4d3c8", markersize=31)
            write(text, place, (0, 0), "C0")
