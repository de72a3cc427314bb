"""Help in the product: pages about codes, rules, import types, layouts, screens, roles and first steps, made from the code."""
