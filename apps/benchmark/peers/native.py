"""Measures PyTorch or NumPy: `python3 native.py torch|numpy THREADS`, the same language of JSON lines as src/child.ts.

Arrays come in neurite's layouts (channels last, filters [kh, kw, in, out]) and results go back in them; in between PyTorch
has its own (NCHW).
"""
import json
import math
import os
import re
import resource
import sys
import time

import numpy as np

LIBRARY, THREADS = sys.argv[1], int(sys.argv[2])
CHECKED_STEPS = 5
SAMPLES = [0, 0.1013, 0.3719, 0.6151, 0.9337]


def make_array(spec):
    """The numbers of src/arrays.ts."""
    length = math.prod(spec["shape"])
    x = np.arange(length, dtype=np.uint32) + np.uint32(spec["seed"] * 0x9E3779B9 % 2**32)
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x7FEB352D)
    x ^= x >> np.uint32(15)
    x *= np.uint32(0x846CA68B)
    x ^= x >> np.uint32(16)
    values = spec["low"] + (spec["high"] - spec["low"]) * ((x >> np.uint32(8)) * 2.0**-24)
    values = np.floor(values).astype(np.int64) if spec.get("integer") else values.astype(np.float32)
    return values.reshape(spec["shape"])


def digest(result):
    flat = np.asarray(result, dtype=np.float32).reshape(-1)
    mean = float(np.abs(flat, dtype=np.float64).mean())
    return [mean] + [float(flat[int(share * len(flat))]) for share in SAMPLES]


class Work:
    """`run` does the work once and gives a training step's loss; `outputs` gives results to compare."""

    def __init__(self, run, outputs=None):
        self.run, self.outputs = run, outputs


def computation(compute, to_host=lambda x: x):
    return Work(compute, lambda: [to_host(x) for x in compute()])


# ---- NumPy


def open_numpy(kind, options, arrays):
    if kind == "matmul":
        a = arrays["a"].T if options["transposeA"] else arrays["a"]
        b = arrays["b"].T if options["transposeB"] else arrays["b"]
        return computation(lambda: [np.matmul(a, b)])
    if kind == "tanh":
        a, b, c = (arrays[name] for name in "abc")
        return computation(lambda: [np.tanh(a * b + c)])
    x = arrays["x"]
    if kind == "softmax":

        def softmax():
            y = np.exp(x - x.max(axis=-1, keepdims=True))
            y /= y.sum(axis=-1, keepdims=True)
            return [y]

        return computation(softmax)
    if kind == "layernorm":

        def layernorm():
            centred = x - x.mean(axis=-1, keepdims=True)
            variance = np.mean(centred * centred, axis=-1, keepdims=True)
            return [centred / np.sqrt(variance + np.float32(1e-5)) * arrays["weight"] + arrays["bias"]]

        return computation(layernorm)
    raise ValueError(f"no code for {kind}")


# ---- PyTorch

if LIBRARY == "torch":
    import torch
    from torch import nn
    from torch.nn import functional as F

    torch.set_num_threads(THREADS)

    def nchw(x):
        return x.permute(0, 3, 1, 2).contiguous() if x.dim() == 4 else x.transpose(1, 2).contiguous()

    def host(x):
        """A result in neurite's layout."""
        x = x.detach()
        return (x.permute(0, 2, 3, 1) if x.dim() == 4 else x).contiguous().numpy()

    def oihw(w):
        """Filters [...size, in, out] as PyTorch has them."""
        return w.permute(w.dim() - 1, w.dim() - 2, *range(w.dim() - 2)).contiguous()

    def hwio(w):
        return w.permute(*range(2, w.dim()), 1, 0).contiguous()

    def snake(name):
        return re.sub(r"([A-Z])", r"_\1", name).lower()

    class Block(nn.Module):
        def __init__(self, ins, outs):
            super().__init__()
            stride = 1 if ins == outs else 2
            self.conv1 = nn.Conv2d(ins, outs, 3, stride, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(outs)
            self.conv2 = nn.Conv2d(outs, outs, 3, 1, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(outs)
            self.downsample = (
                None if ins == outs else nn.Sequential(nn.Conv2d(ins, outs, 1, 2, bias=False), nn.BatchNorm2d(outs))
            )

        def forward(self, x):
            y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)), inplace=True)))
            return F.relu(y + (self.downsample(x) if self.downsample else x), inplace=True)

    class ResNet18(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
            self.bn1 = nn.BatchNorm2d(64)
            self.layer1 = nn.Sequential(Block(64, 64), Block(64, 64))
            self.layer2 = nn.Sequential(Block(64, 128), Block(128, 128))
            self.layer3 = nn.Sequential(Block(128, 256), Block(256, 256))
            self.layer4 = nn.Sequential(Block(256, 512), Block(512, 512))
            self.fc = nn.Linear(512, 1000)

        def forward(self, x):
            x = F.max_pool2d(F.relu(self.bn1(self.conv1(x)), inplace=True), 3, 2, 1)
            x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
            return self.fc(x.mean((2, 3)))

    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.empty(64, 64))

    class Translator(nn.Module):
        """Bidirectional LSTM, LSTM cell with bilinear attention and input feeding; source without padding."""

        def __init__(self):
            super().__init__()
            self.source_embedding = nn.Embedding(34, 64)
            self.target_embedding = nn.Embedding(31, 64)
            self.encoder = nn.LSTM(64, 32, batch_first=True, bidirectional=True)
            self.decoder = nn.LSTMCell(128, 64)
            self.attention = Attention()
            self.output = nn.Linear(128, 31)

        def forward(self, source, target_in):
            memory, (h, c) = self.encoder(self.source_embedding(source))
            h, c = (torch.cat([s[0], s[1]], 1) for s in (h, c))
            penalty = (source == 0) * -1e9
            context = torch.zeros_like(h)
            hidden, contexts = [], []
            for token in self.target_embedding(target_in).unbind(1):
                h, c = self.decoder(torch.cat([token, context], 1), (h, c))
                scores = torch.bmm(memory, (h @ self.attention.weight).unsqueeze(2)).squeeze(2)
                weights = torch.softmax(scores + penalty, 1)
                context = torch.bmm(weights.unsqueeze(1), memory).squeeze(1)
                hidden.append(h)
                contexts.append(context)
            return self.output(torch.cat([torch.stack(hidden, 1), torch.stack(contexts, 1)], 2))

    class Sequence(nn.Module):
        """A recurrent layer's outputs."""

        def __init__(self, net):
            super().__init__()
            self.net = net

        def forward(self, x):
            return self.net(x)[0]

    def make_net(kind, heads):
        if kind == "mlp":
            return nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 10))
        if kind == "cnn":
            return nn.Sequential(
                *[nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2)],
                *[nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2)],
                *[nn.Flatten(), nn.Linear(1600, 128), nn.ReLU(), nn.Linear(128, 10)],
            )
        if kind == "lstm":
            return Sequence(nn.LSTM(128, 256, batch_first=True))
        if kind == "transformer":
            return nn.TransformerEncoderLayer(256, heads, 1024, dropout=0, batch_first=True)
        if kind == "tiny":
            return nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 1))
        return {"translate": Translator, "resnet18": ResNet18}[kind]()

    def load(model, kind, workload, tensors):
        """Weights by the names that neurite and PyTorch share, in PyTorch's layouts."""
        state = {}
        for name in workload["weights"]:
            value = tensors[name]
            if value.dim() in (3, 4):
                value = oihw(value)
            if kind == "cnn" and name == "7.weight":
                # the flattened image has its channels first here
                value = value.reshape(128, 5, 5, 64).permute(0, 3, 1, 2).reshape(128, 1600)
            prefix = "net." if isinstance(model, Sequence) else ""
            state[prefix + snake(name)] = value
        missing, unexpected = model.load_state_dict(state, strict=False)
        left = [name for name in missing if not name.endswith("num_batches_tracked")]
        if left or unexpected:
            raise ValueError(f"weights do not fit: missing {left}, unexpected {unexpected}")
        return model

    def training(kind, workload, tensors):
        options = workload["options"]
        model = load(make_net(kind, options.get("heads")), kind, workload, tensors)
        rate = options["learningRate"]
        parameters = list(model.parameters())
        optimizer = torch.optim.SGD(parameters, rate) if kind == "tiny" else torch.optim.Adam(parameters, rate)
        if kind == "translate":
            source, target_in, target_out = (tensors[name] for name in ("source", "targetIn", "targetOut"))

            def loss_of():
                logits = model(source, target_in)
                return F.cross_entropy(logits.reshape(-1, 31), target_out.reshape(-1), ignore_index=0)

        else:
            x = nchw(tensors["x"]) if kind == "cnn" else tensors["x"]
            labels, target = tensors.get("labels"), tensors.get("target")

            def loss_of():
                y = model(x)
                return F.mse_loss(y, target) if labels is None else F.cross_entropy(y, labels)

        def step():
            optimizer.zero_grad(set_to_none=True)
            loss = loss_of()
            loss.backward()
            if "clipNorm" in options:
                nn.utils.clip_grad_norm_(parameters, options["clipNorm"])
            optimizer.step()
            return loss.item()

        return Work(step)

    def forward_pass(kind, workload, tensors):
        model = load(make_net(kind, workload["options"].get("heads")), kind, workload, tensors).eval()
        x = nchw(tensors["x"]) if kind in ("cnn", "resnet18") else tensors["x"]

        def compute():
            with torch.inference_mode():
                return [model(x)]

        return computation(compute, host)

    def pull_back(sources, forward, dy, to_host):
        for source in sources:
            source.requires_grad_()

        def compute():
            y = forward()
            return [y, *torch.autograd.grad(y, sources, dy)]

        return Work(compute, lambda: [convert(x) for convert, x in zip(to_host, compute())])

    LAYERS = {
        "linear": lambda: nn.Linear(512, 512),
        "conv1d": lambda: nn.Conv1d(64, 64, 3, padding=1),
        "conv2d": lambda: nn.Conv2d(32, 64, 3, padding=1),
        "maxPool2d": lambda: nn.MaxPool2d(2),
        "batchNorm": lambda: nn.BatchNorm2d(64, track_running_stats=False),
        "layerNorm": lambda: nn.LayerNorm(256),
        "embedding": lambda: nn.Embedding(1000, 64),
        "lstm": lambda: Sequence(nn.LSTM(64, 128, batch_first=True)),
        "gru": lambda: Sequence(nn.GRU(64, 128, batch_first=True)),
        "attention": lambda: nn.MultiheadAttention(128, 4, batch_first=True),
    }

    def layer(kind, workload, tensors):
        model = load(LAYERS[kind](), kind, workload, tensors)
        x, dy = tensors["x"], tensors["dy"]
        spatial = kind in ("conv1d", "conv2d", "maxPool2d", "batchNorm")
        if spatial:
            x, dy = nchw(x), nchw(dy)
        named = dict(model.named_parameters())
        prefix = "net." if isinstance(model, Sequence) else ""
        parameters = [named[prefix + snake(name)] for name in workload["weights"]]
        inputs = [x] if x.is_floating_point() else []
        forward = (lambda: model(x, x, x, need_weights=False)[0]) if kind == "attention" else (lambda: model(x))
        back = (lambda t: nchw(t.detach()).numpy()) if kind == "conv1d" else host
        weight_host = lambda w: (hwio(w) if w.dim() > 2 else w).detach().numpy()
        to_host = [back] * (1 + len(inputs)) + [weight_host] * len(parameters)
        return pull_back(inputs + parameters, forward, dy, to_host)

    def open_torch(workload, kind, options, arrays):
        tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
        if kind.endswith("Forward"):
            return forward_pass(kind[: -len("Forward")], workload, tensors)
        if kind.endswith("Layer"):
            return layer(kind[: -len("Layer")], workload, tensors)
        if "learningRate" in options:
            return training(kind, workload, tensors)
        if kind == "matmul":
            a = tensors["a"].T if options["transposeA"] else tensors["a"]
            b = tensors["b"].T if options["transposeB"] else tensors["b"]
            return computation(lambda: [a @ b], host)
        if kind == "conv":
            x, dy, filters = nchw(tensors["x"]), nchw(tensors["dy"]), oihw(tensors["filters"])
            forward = lambda: F.conv2d(x, filters, padding=1)
            if options["backward"]:
                return pull_back([x, filters], forward, dy, [host, host, lambda w: hwio(w).detach().numpy()])
            return computation(lambda: [forward()], host)
        if kind == "tanh":
            a, b, c = (tensors[name] for name in "abc")
            return computation(lambda: [torch.tanh(a * b + c)], host)
        if kind == "dispatch":
            return dispatch(options["op"], workload["operations"], tensors)
        x = tensors["x"]
        if kind == "softmax":
            return computation(lambda: [torch.softmax(x, -1)], host)
        if kind == "layernorm":
            weight, bias = tensors["weight"], tensors["bias"]
            return computation(lambda: [F.layer_norm(x, [x.shape[-1]], weight, bias)], host)
        raise ValueError(f"no code for {kind}")

    def dispatch(op, count, tensors):
        x, y = tensors["x"], tensors["y"]
        step = {
            "add": lambda z: z + y,
            "add_scalar": lambda z: z + 1,
            "relu": torch.relu,
            "grad": lambda z: z * tensors["w"],
        }[op]

        def chain():
            z = x
            for _ in range(count):
                z = step(z)
            return z

        if op != "grad":
            return computation(lambda: [chain()], host)
        w = tensors["w"].requires_grad_()
        return computation(lambda: torch.autograd.grad(chain().sum(), [w]), host)


# ---- the conversation


def open_workload(workload):
    arrays = {name: make_array(spec) for name, spec in {**workload["weights"], **workload["inputs"]}.items()}
    kind, options = workload["kind"], workload["options"]
    if LIBRARY == "torch":
        return open_torch(workload, kind, options, arrays)
    return open_numpy(kind, options, arrays)


def status(field):
    """A line of /proc/self/status in MiB; the peak falls back to what getrusage says."""
    try:
        with open("/proc/self/status") as file:
            return int(re.search(field + r":\s*(\d+) kB", file.read())[1]) / 1024
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def repeat_for(work, calls, seconds):
    """So many calls, and more if they take less than `seconds`."""
    end = time.perf_counter() + seconds
    for _ in range(calls):
        work.run()
    while time.perf_counter() < end:
        work.run()


def slow_blas():
    """A note where the linear algebra behind the library is Netlib's reference, which nobody would use who knew."""
    try:
        with open("/proc/self/maps") as file:
            libraries = {os.path.realpath(path) for path in re.findall(r"(/\S+\.so\S*)$", file.read(), re.M)}
    except OSError:
        return {}
    names = " ".join(os.path.basename(path) for path in libraries)
    if re.search(r"openblas|mkl|blis|atlas|nvpl", names) or not re.search(r"\blibblas\.so", names):
        return {}
    return {"note": "slowed by the reference BLAS that it found; an optimized one (OpenBLAS) is some ten times as fast"}


def answer(request, state):
    what = request["do"]
    if what == "open":
        state["training"] = "learningRate" in request["workload"]["options"]
        state["work"] = open_workload(request["workload"])
        return {"version": sys.modules[LIBRARY].__version__, **slow_blas()}
    work = state["work"]
    if what == "check":
        if not state["training"]:
            return {"groups": [digest(result) for result in work.outputs()], "lastMs": None}
        losses = []
        for _ in range(CHECKED_STEPS):
            started = time.perf_counter()
            losses.append(work.run())
        return {"groups": [losses], "lastMs": (time.perf_counter() - started) * 1000}
    if what == "time":
        for _ in range(request["lead"]):
            work.run()
        started = time.perf_counter()
        for _ in range(request["calls"]):
            work.run()
        return {"ms": (time.perf_counter() - started) * 1000, "peakRssMiB": status("VmHWM")}
    if what == "memory":
        repeat_for(work, request["lead"], request["seconds"])
        start = status("VmRSS")
        repeat_for(work, request["steps"], request["seconds"])
        return {"startMiB": start, "endMiB": status("VmRSS"), "peakRssMiB": status("VmHWM")}
    raise ValueError(f"no such request: {what}")


def serve():
    # what libraries print must not get between the answers
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    state = {}
    for line in sys.stdin:
        try:
            result = {"ok": answer(json.loads(line), state)}
        except Exception as error:
            result = {"error": f"{type(error).__name__}: {error}".split("\n")[0]}
        answers.write(json.dumps(result) + "\n")
        answers.flush()


serve()
