"""How Sphinx renders the documentation; `build.py` beside this file gathers what is rendered and calls it."""

import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER), str(FOLDER.parents[1])]

import cryonb  # noqa: E402

project = "cryonb"
author = "The cryonb authors"
copyright = "2026, the cryonb authors"
version = release = cryonb.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "numpydoc",
    "sphinx_design",
    "sphinx_copybutton",
    "site_parts.mathml",
    "site_parts.finish",
    "site_parts.math_font",
]
nitpicky = True
language = "en"
html_math_renderer = "mathml"

# Pages: MyST, whose code cells are run; the notebooks of the course arrive with their outputs.
myst_enable_extensions = [
    "dollarmath",
    "deflist",
    "colon_fence",
    "fieldlist",
    "attrs_inline",
    "attrs_block",
    "substitution",
]
myst_heading_anchors = 4
myst_links_external_new_tab = False
nb_execution_mode = "auto"
nb_execution_excludepatterns = ["course/*"]
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_merge_streams = True
nb_render_markdown_format = "myst"
nb_ipywidgets_js = {}

# Docstrings: numpydoc, whose types are words; the arguments in a signature need no second account of them.
autodoc_typehints = "none"
numpydoc_show_class_members = False
default_role = "code"
add_module_names = False
python_maximum_signature_line_length = 72

exclude_patterns = ["**/.ipynb_checkpoints", "readme.md", "changelog.md"]
suppress_warnings = []

html_theme = "pydata_sphinx_theme"
html_title = "cryonb"
html_static_path = ["_static"]
html_css_files = ["cryonb.css"]
html_favicon = "_static/favicon.svg"
html_copy_source = False
html_show_sourcelink = False
html_show_search_summary = False  # they would be fetched, which pages that are opened as files may not
html_sidebars = {"index": [], "start": []}
toc_object_entries = False
html_context = {"default_mode": "auto"}
html_theme_options = {
    "logo": {"text": "cryonb", "image_light": "_static/logo.svg", "image_dark": "_static/logo.svg", "alt_text": ""},
    "navbar_align": "left",
    "navbar_end": ["theme-switcher"],
    "header_links_before_dropdown": 7,
    "show_prev_next": True,
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "secondary_sidebar_items": {"**": ["page-toc"], "index": []},
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
