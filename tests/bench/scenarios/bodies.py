"""Bodies: what their bytes cost, with a length and in chunks."""

from tests.bench.scenario import Case, Scenario, http_load
from tests.bench.targets import Target
from tests.bench.yardsticks import REMARKS

BODIES = Scenario(
    "bodies, 32 keep-alive connections",
    (
        Case("1 KB response", http_load("/1k"), (Target("cpu", 0.6),)),
        Case("64 KB response", http_load("/64k"), (Target("cpu", 0.7),)),
        Case("64 KB upload", http_load("/upload", script="upload.lua"), (Target("cpu", 0.7),)),
        Case("64 KB chunked response", http_load("/chunked"), (Target("cpu", 0.7),)),
        Case("64 KB chunked upload", http_load("/upload", script="chunked.lua"), (Target("cpu", 0.7),)),
    ),
    remarks=REMARKS,
)
