"""What a site needs: measured on a machine, then reckoned for any number of cameras."""
