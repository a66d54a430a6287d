"""The models of this device: what each is, whether it is whole, whether it may and can run here."""
