"""What a run's folder tells Terraform arrives there as it is."""

import json
import unicodedata
from pathlib import Path
from tempfile import TemporaryDirectory

import hypothesis
from hypothesis import given
from hypothesis import strategies as st

from app.worker.folder import RunFolder
from tests.terraform.conftest import Terraform

ROOT = """
variable "values" { type = any }
output "values" { value = var.values }
"""
TEMPLATES = (
    "${var.values}",
    "%{ if true }",
    "$${",
    "%%{",
    "~}",
    '"',
    "\\",
    "\n",
    "\r\n",
    "<<EOT\n",
    "#",
    "/*",
    "\u2028",
    "\x7f",
)
# Without NUL, which the database would not have taken. Terraform composes what can be composed (NFC).
LETTERS = st.characters(exclude_characters="\0", exclude_categories=["Cs", "Cn", "Co"])
TEXTS = st.lists(st.sampled_from(TEMPLATES) | st.text(LETTERS, max_size=5), max_size=5).map("".join)
VALUES = st.fixed_dictionaries(
    {"texts": st.lists(TEXTS, min_size=50, max_size=200)},
    optional={"number": st.integers(-(2**53), 2**53), "truth": st.booleans(), "nothing": st.none()},
)


@hypothesis.settings(max_examples=3, derandomize=True, database=None, deadline=None)
@given(VALUES)
def test_every_value_arrives_as_it_was_written(terraform: Terraform, values: dict[str, object]) -> None:
    with TemporaryDirectory() as place:
        folder = RunFolder(Path(place))
        folder.work.mkdir()
        (folder.work / "main.tf").write_text(ROOT)
        folder.write_variables({"values": values})
        terraform(folder.work, "apply", "-auto-approve")
        arrived = json.loads(terraform(folder.work, "output", "-json", "values"))

    assert arrived == json.loads(unicodedata.normalize("NFC", json.dumps(values, ensure_ascii=False)))
