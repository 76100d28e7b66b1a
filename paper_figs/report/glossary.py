"""Terms in plain words, and what no audit judges."""

TERMS = {
    "attribution, relevance, map": (
        "A number for each pixel of an image that is meant to say how much the pixel had to do with the "
        "network's decision. The map is its picture."
    ),
    "chain": (
        "How most methods make the map: relevance is handed down from layer to layer, each step a "
        "multiplication by a matrix made of the layer's weights and what it saw."
    ),
    "collapse": (
        "Products of many matrices can come close to rank one. Then whatever relevance starts with, nearly "
        "the same map arrives, up to its brightness, and the map cannot tell one class from another."
    ),
    "CSC, 1 − |cos|": (
        "Cosine similarity convergence. Random relevance vectors start at a layer; further down, 1 − |cos| "
        "says how different their directions still are: 1 where they have nothing in common, 0 where they "
        "are parallel."
    ),
    "null": (
        "What the same number would be if the two things compared had nothing to do with each other. A "
        "number means something only beside its null."
    ),
    "predicted": (
        "What the mean and the variance of each layer's factors lead to, without a fit to the measured curve."
    ),
    "score": (
        "How alike two maps are: 1 for equal ones. With “of either sign”, a map and its negative count as "
        "alike."
    ),
    "destroyed weights": (
        "Layers get random weights, one after the other, from the output down. A map that explains what the "
        "network learned should change."
    ),
    "forward pass alone": (
        "The score if destroyed weights change only the way back and the activations stay those of the "
        "trained network: what the image alone keeps alike."
    ),
    "total variation": (
        "The share of one map that would have to be moved to make it another: 0 for equal ones, 1 for maps "
        "that share no pixel."
    ),
    "operator: rest beyond rank one": (
        "Of the matrix that takes relevance of all classes down to a layer: the sum of its squared singular "
        "values over the largest of them, minus 1. 0 where it has rank one."
    ),
    "proved": (
        "A bound that holds for all classes and mixtures of classes, rounding errors included; with what it "
        "follows from, rankone certify writes it into a file that can be checked anew."
    ),
    "books": (
        "Relevance 1 starts at the explained class. Part of it reaches the image, part goes to biases or to "
        "a stabiliser ε, part is lost where 0 is divided by 0."
    ),
    "protocol": (
        "How maps are compared: “paper” as the code of the paper When Explanations Lie does it, “corrected” "
        "with its errors mended."
    ),
}

NOT_JUDGED = (
    "Whether a map shows what a human would call the reason, or finds the object. No audit without a ground "
    "truth can say so.",
    "Other images than those audited, other networks, and the same network after more training.",
    "Which method is best. A method that holds here has passed these questions, no more.",
)
