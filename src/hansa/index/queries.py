"""What to look for in a syntax tree, language by language: names, calls, imports, constants.

Patterns are tree-sitter queries. `names` are the leaves that may refer to something; `calls` mark
those that are called; `imports` give a `@module` and, where one is picked from it, a `@name`.
`constants` are what a file defines besides functions and types.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Queries:
    names: str
    calls: str
    imports: str
    """Matched one by one; the outermost node of each match is the whole statement."""
    constants: str = ""
    """Captured by their kind."""


_PYTHON = Queries(
    names="(identifier) @name",
    calls="(call function: [(identifier) @call (attribute attribute: (identifier) @call)])"
    "(decorator [(identifier) @call (attribute attribute: (identifier) @call)])",
    imports="""
    (import_statement name: [
      (dotted_name) @module (aliased_import name: (dotted_name) @module)]) @import
    (import_from_statement module_name: (_) @module name: [
      (dotted_name) @name (aliased_import name: (dotted_name) @name)]) @import
    (import_from_statement module_name: (_) @module (wildcard_import) @name) @import
    (future_import_statement name: (dotted_name) @name) @import
    """,
    constants="(module (expression_statement (assignment left: (identifier) @constant)))",
)

_JAVASCRIPT = Queries(
    names="[(identifier) (property_identifier) (shorthand_property_identifier)] @name",
    calls="""
    (call_expression function: [
      (identifier) @call (member_expression property: (property_identifier) @call)])
    (new_expression constructor: [
      (identifier) @call (member_expression property: (property_identifier) @call)])
    """,
    imports="""
    (import_statement . source: (string (string_fragment) @module)) @import
    (import_statement (import_clause (identifier) @name)
      source: (string (string_fragment) @module)) @import
    (import_statement (import_clause (namespace_import (identifier) @name))
      source: (string (string_fragment) @module)) @import
    (import_statement (import_clause (named_imports (import_specifier name: (identifier) @name)))
      source: (string (string_fragment) @module)) @import
    (export_statement (export_clause (export_specifier name: (identifier) @name))
      source: (string (string_fragment) @module)) @import
    (call_expression function: (identifier) @_require (#eq? @_require "require")
      arguments: (arguments . (string (string_fragment) @module))) @import
    """,
    constants="""
    (program (lexical_declaration (variable_declarator name: (identifier) @constant)))
    (program (export_statement
      (lexical_declaration (variable_declarator name: (identifier) @constant))))
    """,
)

_TYPESCRIPT = Queries(
    names="[(identifier) (property_identifier) (shorthand_property_identifier)"
    " (type_identifier)] @name",
    calls=_JAVASCRIPT.calls,
    imports=_JAVASCRIPT.imports,
    constants=_JAVASCRIPT.constants,
)

_GO = Queries(
    names="[(identifier) (type_identifier) (field_identifier)] @name",
    calls="(call_expression function: ["
    "(identifier) @call (selector_expression field: (field_identifier) @call)])",
    imports="(import_spec path: (_) @module) @import",
    constants="""
    (source_file (const_declaration (const_spec name: (identifier) @constant)))
    (source_file (var_declaration (var_spec name: (identifier) @constant)))
    """,
)

_RUST = Queries(
    names="[(identifier) (type_identifier) (field_identifier)] @name",
    calls="""
    (call_expression function: [(identifier) @call
      (field_expression field: (field_identifier) @call)
      (scoped_identifier name: (identifier) @call)
      (generic_function function: (identifier) @call)])
    (macro_invocation macro: (identifier) @call)
    """,
    imports="(use_declaration argument: (_) @module) @import",
    constants="[(const_item name: (identifier) @constant)"
    " (static_item name: (identifier) @constant) (type_item name: (type_identifier) @type)]",
)

_JAVA = Queries(
    names="[(identifier) (type_identifier)] @name",
    calls="(method_invocation name: (identifier) @call)"
    "(object_creation_expression type: (type_identifier) @call)",
    imports="(import_declaration (scoped_identifier) @module) @import",
    constants="(field_declaration (modifiers) declarator:"
    " (variable_declarator name: (identifier) @constant))",
)

_C = Queries(
    names="[(identifier) (type_identifier) (field_identifier)] @name",
    calls="(call_expression function: ["
    "(identifier) @call (field_expression field: (field_identifier) @call)])",
    imports="(preproc_include path: [(string_literal) (system_lib_string)] @module) @import",
    constants="(preproc_def name: (identifier) @constant value: (_))"
    "(preproc_function_def name: (identifier) @macro)"
    "(type_definition declarator: (type_identifier) @type)",
)

_CPP = Queries(
    names="[(identifier) (type_identifier) (field_identifier) (namespace_identifier)] @name",
    calls="(call_expression function: [(identifier) @call"
    " (field_expression field: (field_identifier) @call)"
    " (qualified_identifier name: (identifier) @call)])",
    imports=_C.imports,
    constants=_C.constants + "(alias_declaration name: (type_identifier) @type)",
)

QUERIES = {
    "python": _PYTHON,
    "javascript": _JAVASCRIPT,
    "typescript": _TYPESCRIPT,
    "tsx": _TYPESCRIPT,
    "go": _GO,
    "rust": _RUST,
    "java": _JAVA,
    "c": _C,
    "cpp": _CPP,
}
