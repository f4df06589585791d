"""Read a table back with its sidecar: every column's unit and meaning travel with it."""

import sys

from facekit import read_table


def main(path: str) -> None:
    """Print what the sidecar says of the table at `path`."""
    table = read_table(path)
    described = table.attrs["facekit"]
    source = described["source"]
    print(f"{source['name']}: {source['frames']} frames, {source['duration_s']:.2f} s")
    for column in described["columns"]:
        values = table[column["name"]]
        unit = f" [{column['unit']}]" if column["unit"] else ""
        print(f"{column['name']}{unit}: {values.notna().mean():.0%} present. {column['meaning']}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "example.csv")
