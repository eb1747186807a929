// Package python is rules in a Python module of the user.
package python
