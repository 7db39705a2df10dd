"""A Space that serves the studio."""

from nst_keras import studio

page = studio.app(largest_size=512, run_seconds=300)

if __name__ == "__main__":
    page.launch()
