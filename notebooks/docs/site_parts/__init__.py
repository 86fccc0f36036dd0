"""What the site is made of: pages, the executed course, the reference from the registries, formulas, pictures."""
