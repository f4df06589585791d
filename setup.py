"""Packaging: the package, its networks (``weights/`` travels as ``facekit/weights``), extras."""

import runpy
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent
VERSION = runpy.run_path(str(ROOT / "facekit" / "_version.py"))["__version__"]

EXTRAS = {
    "hog": ["scikit-image>=0.22"],
    "live": ["pylsl>=1.18", "python-osc>=1.8", "pyzmq>=25"],
    "plot": ["matplotlib>=3.8", "scikit-learn>=1.4"],
    "ray": ["ray>=2.30"],
    "train": [
        "face_recognition_models>=0.3",
        "numba>=0.60",
        "onnx>=1.16",
        "onnxscript>=0.2",
        "openvino>=2024.1",
    ],
}
TEST = [
    "hypothesis>=6.100",
    "matplotlib>=3.8",
    "mypy>=1.14",
    "numba>=0.60",
    "onnx>=1.16",
    "onnxscript>=0.2",
    "pandas-stubs",
    "psutil>=5.9",
    *EXTRAS["live"],
    "pytest>=8",
    "ruff>=0.9",
    "scikit-image>=0.22",
    "selenium>=4.20",
    "scipy-stubs",
]

setup(
    name="facekit",
    version=VERSION,
    description="Facial behaviour analysis of video: every number with its unit and its source",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="MIT",
    license_files=["LICENSE", "weights/LICENSE*", "facekit/viewer/static/LICENSE*"],
    python_requires=">=3.11,<3.14",
    packages=[*find_packages(include=["facekit", "facekit.*"]), "facekit.weights"],
    package_dir={"facekit.weights": "weights"},
    package_data={
        "facekit": ["py.typed"],
        "facekit.viewer": ["static/*"],
        "facekit.bench": ["*.jpg"],
        "facekit.weights": ["*.onnx", "*.safetensors", "manifest.json", "LICENSE*"],
    },
    entry_points={"console_scripts": ["facekit = facekit.cli.main:main"]},
    install_requires=[
        "av>=15",
        "click>=8.1",
        # 2.6.0 pins torch < 2.3 and numpy < 2.
        "facenet-pytorch==2.5.3",
        "mediapipe>=0.10.14",
        "numpy>=1.26",
        "onnxruntime>=1.18",
        # Contains all of opencv-python, and mediapipe requires it: both would overwrite each
        # other's cv2.
        "opencv-contrib-python>=4.9",
        "pandas>=2.2",
        "platformdirs>=4",
        "pyarrow>=15",
        "rich>=13.7",
        "safetensors>=0.4",
        "scipy>=1.12",
        "torch>=2.3",
    ],
    extras_require={
        **EXTRAS,
        "test": TEST,
        "all": sorted({package for extra in EXTRAS.values() for package in extra} | {*TEST}),
    },
    classifiers=[
        "Intended Audience :: Science/Research",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Image Recognition",
    ],
)
