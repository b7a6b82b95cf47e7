# Installs Stationmaster's SSH files for Windows' OpenSSH. It can be run any number of times.
& {
  $ErrorActionPreference = 'Stop'
  # Not $HOME, which can be a network drive: OpenSSH looks in the profile.
  $ssh = Join-Path $env:USERPROFILE '.ssh'
  $folder = Join-Path $ssh 'stationmaster'
  $config = Join-Path $ssh 'config'
  $include = {{ include|powershell }}
  $me = [Security.Principal.WindowsIdentity]::GetCurrent().User.Value

  # OpenSSH refuses a private key that anybody else may read.
  function Protect([string] $path) {
    icacls $path /inheritance:r /grant:r "*${me}:F" | Out-Null
    if ($LASTEXITCODE -ne 0) { throw "The permissions of $path could not be set." }
  }

  # Not Set-Content: Windows PowerShell would begin the file with a byte order mark.
  function Put([string] $name, [string] $text) {
    $path = Join-Path $folder $name
    [IO.File]::WriteAllText($path, $text.Replace("`r`n", "`n"))
    Protect $path
  }

  New-Item -ItemType Directory -Force -Path $folder | Out-Null
{% for name, text in files.texts.items() %}
  Put {{ name|powershell }} {{ text|powershell }}
{% endfor %}

  # Only above the first Host or Match does the line hold for every machine.
  $text = if (Test-Path $config) { [IO.File]::ReadAllText($config) } else { '' }
  $top = [regex]::Split($text, '(?im)^[ \t]*(?:Host|Match)[ \t=]')[0]
  if (($top -split "`r?`n") -notcontains $include) {
    [IO.File]::WriteAllText($config, "$include`n`n$text")
  }
  {{ summary|powershell }}
}
