"""How green New York's land is through a year, by Landsat 8."""

from dataclasses import dataclass

from headrace.study import Function, Gpu, Map, Query, Study


@dataclass(frozen=True)
class Greenness:
    """One scene: NDVI over its pixels where both bands are > 0."""

    scene: str  # as its files are called, without the band
    pixels: int
    mean: float
    width: int  # in pixels
    height: int


SCENES = "s3://{lake}/files/landsat/"
PRECISION = {"precision": "float64"}  # or float32; of both engines, so that they can be compared


study = Study(
    name="land",
    question="How green was the land around New York through 2018?",
    stages=[
        Gpu(
            "ndvi",
            program="tasks/gpu/ndvi.py",
            input=SCENES,
            produces=Greenness,
            params=PRECISION,
            memory_mib=4000,
            timeout_s=1800,
        ),
        Map(
            "ndvi_map",
            fn="studies.land.scenes:greenness",
            items=SCENES,
            produces=Greenness,
            params=PRECISION,
            item_timeout_s=600,
            function=Function(memory_mib=1769, timeout_s=900),
        ),
        Query(
            "season",
            sql="queries/season.sql",
            chart="line",
            title="How green the land north and west of New York City was in 2018",
            draw=["ndvi"],
            labels={
                "ndvi": "mean NDVI, of digital numbers",
                "day": "day of the pass (Landsat path 14)",
            },
        ),
        Query(
            "agreement",
            sql="queries/agreement.sql",
            title="Scenes of which OpenCL and NumPy have the same pixels and the same mean",
        ),
        Query(
            "both",
            sql="queries/both.sql",
            title="NDVI of each scene, by OpenCL and by a Map over scenes in NumPy",
        ),
    ],
)
