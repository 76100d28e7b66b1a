"""Tokens: relevance ends at the output of their embedding, as in the network that begins there."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.helpers.twins.spelling import DTYPE
from tests.helpers.twins.users import images, same, start_at
from torch_backend import class_cones, csc, methods, relevance, trace
from torch_backend.graph.joined import join

FOUR = (methods.gradient, methods.z_plus, methods.alpha2_beta1, methods.lrp_epsilon(0.01))
METHODS = {method.name: method for method in FOUR}
TOKENS = torch.tensor([[1, 2, 3, 4, 9], [5, 1, 1, 2, 7]])


class Text(nn.Module):
    """Words, their places, and a layer over both."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.words, self.places = nn.Embedding(10, 6, padding_idx=0), nn.Embedding(20, 6)
        self.a, self.fc = nn.Linear(6, 7), nn.Linear(7, 4)
        self.to(DTYPE).eval()

    def embedded(self, tokens):
        return self.words(tokens)

    def behind(self, e, tokens):
        h = torch.relu(self.a(e + self.places(torch.arange(e.shape[1]))))
        return self.fc(h.mean(1))

    def forward(self, tokens):
        return self.behind(self.embedded(tokens), tokens)


class Masked(Text):
    """Padding is left out, as the tokens say."""

    def behind(self, e, tokens):
        mask = tokens.ne(0).to(e.dtype)[:, :, None]
        return self.fc((torch.relu(self.a(e)) * mask).sum(1))


class PlacedByMask(Text):
    """Places counted from the first word on, as in RoBERTa: a second embedding, which reads a mask."""

    def behind(self, e, tokens):
        return self.fc(torch.relu(self.a(e + self.places(tokens.ne(0).long().cumsum(1)))).mean(1))


class Functional(Text):
    def embedded(self, tokens):
        return F.embedding(tokens.clone().long(), self.words.weight)


class Indexed(Text):
    def embedded(self, tokens):
        return self.words.weight[tokens]


class Scaled(Text):
    """The largest norm of a row is one: the table is written to in the forward pass."""

    def __init__(self) -> None:
        super().__init__()
        self.words.max_norm = 1.0


class FromEmbedding(nn.Module):
    """The network by hand: from what the embedding makes of these tokens, channels first."""

    def __init__(self, model: Text, tokens: torch.Tensor) -> None:
        super().__init__()
        self.model, self.tokens = model, tokens
        self.eval()

    def forward(self, e):
        return self.model.behind(e.movedim(1, -1), self.tokens[: len(e)])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", [Text, Functional, Indexed, Scaled])
def test_relevance_ends_at_the_output_of_the_embedding(kind, method: str) -> None:
    model = kind()
    with torch.no_grad():
        y, e = model(TOKENS), model.embedded(TOKENS).movedim(-1, 1)
    graph, hand = trace(model, TOKENS), trace(FromEmbedding(model, TOKENS), e)
    same(graph.nodes[-1].value, y, 1e-12)
    same(graph.node("input").value, e, 1e-12)
    found, expected = (relevance(g, METHODS[method], "logits", start_at(y), "input") for g in (graph, hand))
    same(found, expected, 1e-12)


@pytest.mark.parametrize("kind", [Masked, PlacedByMask])
def test_a_mask_made_of_the_tokens_is_held(kind) -> None:
    """By hand for each text alone: there it is a constant."""
    model, tokens = kind(), TOKENS * torch.tensor([[1, 1, 1, 0, 0], [1, 1, 1, 1, 0]])
    graph, r = trace(model, tokens), start_at(model(tokens))
    found = relevance(graph, methods.gradient, "logits", r, "input")
    for k in range(2):
        e = model.words(tokens[k : k + 1]).movedim(-1, 1).detach()
        hand = trace(FromEmbedding(model, tokens[k : k + 1]), e)
        same(
            found[:, k : k + 1], relevance(hand, methods.gradient, "logits", r[:, k : k + 1], "input"), 1e-12
        )


def test_other_tokens_are_recorded_with_their_own_rows() -> None:
    model = Masked()
    graph, other = trace(model, TOKENS), TOKENS.flip(1) % 6
    recorded = graph.record(other)
    same(recorded.nodes[-1].value, model(other), 1e-12)
    same(recorded.node("input").value, model.words(other).movedim(-1, 1), 1e-12)


def test_tokens_beside_an_image() -> None:
    class Both(Text):
        def forward(self, image, tokens, mask):
            return super().forward(tokens) * mask[:, None] + image.mean((2, 3)) @ self.a.weight[:3, :4]

    model, image, mask = Both(), images(2, 3, 4, 4), torch.tensor([True, False])
    network, rows = join(model, {"image": image, "tokens": TOKENS}, rows={"mask": mask})
    graph = trace(network, rows)
    y = model(image, TOKENS, mask)
    same(graph.nodes[-1].value, y, 1e-12)
    found = relevance(graph, methods.gradient, "logits", start_at(y), at=["image", "tokens"])
    assert found["tokens"].shape == (3, 2, 6, 5) and found["image"].shape == (3, 2, 3, 4, 4)
    assert found["tokens"][:, 0].any() and not found["tokens"][:, 1].any()


def test_half_precision_begins_in_single() -> None:
    graph = trace(Text().half(), TOKENS)
    assert graph.node("input").value.dtype == torch.float32
    graph.record(TOKENS.flip(1))


def test_csc_and_cones_take_tokens() -> None:
    model = Text()
    assert csc(model, TOKENS, methods.z_plus).layers[-1] == "input"
    (*_, last) = class_cones(model.float(), TOKENS[:1], methods.z_plus)
    assert 0 <= last.total_variation <= 1


class Twice(Text):
    def embedded(self, tokens):
        return self.words(tokens) + self.words(tokens.flip(1))


class TwoTables(Text):
    def embedded(self, tokens):
        return self.words(tokens) + self.places(tokens % 7)


class Turned(Text):
    """Tokens (T, B)."""

    def behind(self, e, tokens):
        return self.fc(torch.relu(self.a(e)).mean(0))

    def embedded(self, tokens):
        return self.words(tokens.T)


@pytest.mark.parametrize(
    ("model", "tokens", "line"),
    [
        (Text(), TOKENS + 1, "tokens: expected tokens from 0 to 9, as the embedding has 10 rows, got 10"),
        (Text(), TOKENS - 2, "tokens: expected tokens from 0 to 9, as the embedding has 10 rows, got -1"),
        (Twice(), TOKENS, r"that one embedding reads, once, got words\.weight, words\.weight"),
        (TwoTables(), TOKENS, r"got words\.weight, places\.weight; give what the embeddings make"),
        (
            Turned(),
            TOKENS,
            r"expected a lookup of tokens \(2, 5\), got one of \(5, 2\); put the images first",
        ),
        (Turned(), TOKENS[:, :2], "'mean': .* the images of the batch meet"),
        (nn.Flatten(), TOKENS, "input: expected tokens that one embedding reads, once, got whole numbers"),
        (nn.Linear(5, 4), TOKENS, r"what the model accepts, got input int64 \(2, 5\) \(RuntimeError"),
        (nn.EmbeddingBag(10, 4), TOKENS, "got whole numbers that none reads"),
        (Text(), TOKENS.to(DTYPE), r"looks them up as integers.*give it tokens, whole numbers \(B, T\)"),
        (nn.Conv2d(3, 4, 3), torch.ones(2, 3, 5, 5).byte(), r"torch\.uint8; convert them: images\.float\(\)"),
    ],
)
def test_what_are_no_tokens_is_refused_by_name(model, tokens, line) -> None:
    with pytest.raises(ValueError, match=line) as caught:
        trace(model.eval(), tokens)
    assert "\n" not in str(caught.value)
