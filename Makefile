# make demo and make test are all a newcomer needs; each sets up .venv first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: setup browser demo test lint bench docs figures clean
setup: $(VENV)/.stamp

$(VENV)/.stamp: pyproject.toml constraints.txt
	@echo "Setting up $(VENV): this downloads the PyTorch stack, about 3 GB (5.5 GB on disk, 2-5 minutes)."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[tests,tools]'
	touch $@

# The page of an audit is tested in a browser: Debian's, which root gets here. Elsewhere these tests are skipped.
browser:
	@{ command -v chromium && command -v chromedriver; } >/dev/null || [ "$$(id -u)" != 0 ] || \
		! grep -qx ID=debian /etc/os-release 2>/dev/null || { \
		echo "Installing chromium and chromium-driver (about 300 MB) for the tests of the page." && \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
		apt-get install -y -qq --no-install-recommends chromium chromium-driver >/dev/null; } || \
		echo "They could not be installed."

demo: setup
	OMP_WAIT_POLICY=passive $(BIN)/python simulations/demo.py

test: setup browser
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: setup
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

bench: setup
	$(BIN)/python -m benchmarks

# One target for a picture, two at a time on one thread each. Status 3: a method failed, it is named below the
# picture, and the others are shown.
SANITY := $(foreach figure,fig2 fig7 fig6 fig1,$(figure).corrected $(figure).paper)
CONVERGENCE := fig3 fig5
PICTURES := corrections $(SANITY) $(CONVERGENCE) random phase_diagram
.PHONY: $(PICTURES)
$(PICTURES): export OMP_NUM_THREADS = 1

$(SANITY): setup
	$(BIN)/python simulations/$(basename $@).py --protocol $(subst .,,$(suffix $@)) || test $$? = 3

$(CONVERGENCE): setup
	$(BIN)/python simulations/$@.py --out out/$@ || test $$? = 3

corrections phase_diagram: setup
	$(BIN)/python simulations/$@.py

random: setup
	$(BIN)/rankone csc --model vgg16 --weights random --limit 2 --vectors 3 --theory \
		--starts fc3,fc1,conv4_3,conv3_3,conv2_2 --out out/random

figures: demo
	$(MAKE) -j 2 $(PICTURES)
	mkdir -p paper_figs/shown
	cp out/demo/fig4.png out/demo/certificates.png out/phase_diagram/phase_diagram.png paper_figs/shown/
	cp out/demo/mri_csc.png paper_figs/shown/csc_mri-vgg16.png
	cp out/demo/mri-vgg16_z_plus/relevance.png paper_figs/shown/mri_z_plus.png
	cp out/demo/mri-vgg16_gradient/relevance.png paper_figs/shown/mri_gradient.png
	cp out/random/csc.png paper_figs/shown/csc_vgg16_random.png
	cp out/fig2/fig2.*.png out/fig7/fig7.*.png out/corrections/corrections.png paper_figs/shown/

clean:
	rm -rf out build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
