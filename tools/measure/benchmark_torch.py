"""Train the CNN of chapter 5 in PyTorch, for `make benchmark`: the same layers, first weights and optimiser.

    .venv-torch/bin/python -m tools.measure.benchmark_torch images.npz --epochs 10 --batch-size 200 --seed 7

prints the seconds of the training and the mistakes on the test part as one line of JSON.
"""

import argparse
import json
import time

import numpy as np
import torch
from torch import nn


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", help="an .npz file with x, y, x_test and y_test")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch-size", type=int, default=200)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args(arguments)
    with np.load(options.file, allow_pickle=False) as file:
        x, y, x_test, y_test = (torch.from_numpy(file[name]) for name in ("x", "y", "x_test", "y_test"))
    torch.manual_seed(options.seed)
    model = build_two_conv_cnn()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001, eps=1e-7)  # Keras' values
    start = time.perf_counter()
    for _ in range(options.epochs):
        model.train()
        for indices in torch.randperm(len(x)).split(options.batch_size):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x[indices]), y[indices]).backward()
            optimizer.step()
    seconds = time.perf_counter() - start
    model.eval()
    with torch.no_grad():
        answers = torch.cat([model(part).argmax(dim=1) for part in x_test.split(1_000)])
    wrong = int((answers != y_test).sum())
    facts = {"seconds": seconds, "wrong": wrong, "total": len(y_test), "epochs": options.epochs}
    print(json.dumps(facts | {"parameters": sum(weights.numel() for weights in model.parameters())}))


def build_two_conv_cnn():
    model = nn.Sequential(
        nn.Conv2d(1, 30, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(30, 15, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Dropout(0.2),
        nn.Flatten(),
        nn.Linear(375, 128),
        nn.ReLU(),
        nn.Linear(128, 50),
        nn.ReLU(),
        nn.Linear(50, 10),
    )
    for layer in model:
        if hasattr(layer, "weight"):  # Keras begins so; PyTorch would begin otherwise
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
    return model


if __name__ == "__main__":
    main()
