"""What the App's plugin needs of the package: its installation, and long work in steps."""
